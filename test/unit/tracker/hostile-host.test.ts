/** A host that misuses a role in its site: gateway without progress, on several ports, or a seed without content. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type TestTracker, aTracker, TORRENT } from '../../a-tracker.ts'

const SEED = '127.2.1.1:6881'
const [HOST, HONEST, OTHER] = ['127.1.1.66', '127.1.1.1', '127.1.1.2']
/** KiB. */
const SIZE = 1_000_000

let site: TestTracker

beforeEach(() => {
  site = aTracker()
  site.announce('127.2.1.1', { left: 0 })
})

const left = (kib: number) => ({ left: kib * 1024 })

/** Announces of each, by turns, for this many minutes. Returns the addresses that were handed the seed of the other site. */
function run(
  minutes: number,
  announces: readonly ((second: number) => readonly [string, object])[],
): string[] {
  const supplied: string[] = []
  for (let second = 0; second < minutes * 60; second += 10) {
    site.clock.advanceMs(10_000)
    for (const announce of announces) {
      const [from, announcement] = announce(second)
      if (site.announce(from, announcement).peers.includes(SEED)) supplied.push(from)
    }
  }
  return supplied
}

describe('a gateway is replaced', () => {
  it('although it announces every ten seconds, if it has no progress', () => {
    const supplied = run(5, [() => [HOST, left(SIZE)], () => [HONEST, left(SIZE)]])
    expect(supplied).toContain(HONEST)
  })

  it('although it advances 1 KiB each time', () => {
    const supplied = run(5, [(second) => [HOST, left(SIZE - second)], () => [HONEST, left(SIZE)]])
    expect(supplied).toContain(HONEST)
  })

  it('by another host, not by another port of its own', () => {
    const ports = Array.from(
      { length: 20 },
      (_, port) => () => [HOST, { port: 7000 + port, ...left(SIZE) }] as const,
    )
    const honest = (second: number) => [HONEST, left(SIZE - second * 100)] as const
    const supplied = run(5, [...ports, honest])
    expect(supplied).toContain(HONEST)
    const later = run(20, [...ports, (second) => honest(300 + second)])
    expect(later.filter((from) => from === HOST)).toEqual([])
  })

  it('not if it progresses slowly', () => {
    const supplied = run(30, [(second) => [HOST, left(SIZE - second * 64)], () => [HONEST, left(SIZE)]])
    expect(supplied).not.toContain(HONEST)
  })

  it('by another port if all hosts of the site are behind one address', () => {
    const supplied: number[] = []
    for (let second = 0; second < 600; second += 10) {
      site.clock.advanceMs(10_000)
      for (const port of [7001, 7002])
        if (site.announce(HOST, { port, ...left(SIZE) }).peers.includes(SEED)) supplied.push(port)
    }
    expect(new Set(supplied)).toEqual(new Set([7001, 7002]))
  })
})

describe('a false seed', () => {
  it('does not keep its site without an upstream, on any number of ports', () => {
    const ports = Array.from(
      { length: 5 },
      (_, port) => () => [HOST, { port: 7000 + port, left: 0 }] as const,
    )
    const supplied = run(8, [...ports, () => [HONEST, left(SIZE)], () => [OTHER, left(SIZE)]])
    expect(supplied.length).toBeGreaterThan(0)
    expect(site.table.swarm(TORRENT)?.site(0)?.trustedSeeds).toBe(0)
  })

  it('that a node has observed to be complete stays trusted', () => {
    site.announce(HOST, { left: 0 })
    site.observe(HOST, { isComplete: true })
    const supplied = run(8, [
      () => [HOST, { left: 0 }],
      () => [HONEST, left(SIZE)],
      () => [OTHER, left(SIZE)],
    ])
    expect(supplied).toEqual([])
  })
})
