import { describe, expect, it } from 'vitest'
import { aCarriedSwarm, Content } from '../../simulated-peers.ts'

const CONTENT = new Content({ totalBytes: 4_194_304 + 5_000, pieceBytes: 131_072 })
const BEYOND = { piece: 3, begin: 131_072, length: 16_384 }
const BEYOND_LAST = { piece: CONTENT.pieces - 1, begin: 16_384, length: 16_384 }
const MINUTE_MS = 60_000

/** A seed, a host that requests blocks that do not exist each time that it connects, and later an honest host. */
function anAttack({
  isStrict,
  requests,
  seeds = 1,
}: {
  readonly isStrict: boolean
  readonly requests: readonly (typeof BEYOND)[]
  readonly seeds?: number
}) {
  const swarm = aCarriedSwarm()
  const sources = Array.from({ length: seeds }, (_, seed) =>
    swarm.join(1, 200 + seed, CONTENT, { has: 'all', isStrict }),
  )
  swarm.run(1_000)
  const hostile = swarm.join(1, 66, CONTENT, { requests })
  const closings = () => sources.reduce((sum, source) => sum + source.closings, 0)
  /** Reconnects once a second. */
  const attack = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      swarm.run(1_000)
      hostile.leave()
    }
  }
  return { ...swarm, attack, closings }
}

describe('a host that requests blocks that do not exist, of a torrent that is not registered', () => {
  it.each([
    ['behind a piece', [BEYOND]],
    ['far behind a piece', [{ ...BEYOND, begin: 1_073_741_824 }]],
    ['behind the last piece', [BEYOND_LAST]],
    [
      'in many places',
      Array.from({ length: 100 }, (_, index) => ({ ...BEYOND, begin: 131_072 + index * 16_384 })),
    ],
  ])('costs a source few connections: %s', (_where, requests) => {
    const { attack, closings } = anAttack({ isStrict: true, requests })
    attack(MINUTE_MS)
    expect(closings()).toBeGreaterThan(0)
    expect(closings()).toBeLessThanOrEqual(8)
  })

  it('costs all sources few connections', () => {
    const { attack, closings } = anAttack({ isStrict: true, requests: [BEYOND], seeds: 4 })
    attack(MINUTE_MS)
    expect(closings()).toBeLessThanOrEqual(8)
  })

  it.each([true, false])('does not keep another host from its content (the seed closes: %s)', (isStrict) => {
    const requests = Array.from({ length: 300 }, (_, index) => ({
      ...BEYOND,
      begin: 131_072 + index * 16_384,
    }))
    const swarm = anAttack({ isStrict, requests })
    swarm.attack(MINUTE_MS)
    const honest = swarm.join(1, 1, CONTENT)
    expect(swarm.run(30_000, () => honest.isComplete)).toBe(true)
  })
})

it('an honest host is served where sources end their connections for other reasons', () => {
  const swarm = aCarriedSwarm()
  const source = swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: 400_000 })
  const host = swarm.join(1, 1, CONTENT)
  for (let restart = 0; restart < 5; restart++) {
    swarm.run(400)
    source.leave()
  }
  expect(swarm.run(40_000, () => host.isComplete)).toBe(true)
})
