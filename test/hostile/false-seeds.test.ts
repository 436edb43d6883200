/** Hosts that announce `left=0` and have nothing, beside the one seed that has the content, in two federated sites. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { aFederation, type FederatedSite, handoutOf, type TestFederation, until } from '../a-federation.ts'
import { ALL_PIECES, listensAt, NO_PIECES } from './listening-client.ts'
import { reportFigure } from './report-figure.ts'

const REAL = '127.1.0.9:6881'
const LEECHERS = ['127.2.0.1', '127.2.0.2']
/** Lifetimes are 32 s with this interval, and an announce counts as one without progress after an eighth of it. */
const INTERVAL = 'interval: { min: 1s, max: 1s }'
const COUNTED_MS = 4_200
const ROUNDS = 9

const hosts = (count: number) => Array.from({ length: count }, (_, index) => `127.1.0.${index + 1}`)

interface Seed {
  readonly from: string
  readonly port: number
}

/** Announces of all hosts until one of ams is handed the real seed. Resolves with the round, undefined without one. */
async function roundOfRealSeed(
  federation: TestFederation,
  falseSeeds: readonly Seed[],
): Promise<number | undefined> {
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  for (let round = 0; round < ROUNDS; round++) {
    await announceSeeds(fra, falseSeeds)
    for (const leecher of LEECHERS)
      if ((await handoutOf(ams, leecher, { left: 100_000_000 })).includes(REAL)) return round
    await sleep(COUNTED_MS)
  }
  return undefined
}

/** The real seed is the last one. */
async function announceSeeds(fra: FederatedSite, falseSeeds: readonly Seed[]): Promise<void> {
  for (const { from, port } of falseSeeds) await handoutOf(fra, from, { port, left: 0 })
  await handoutOf(fra, '127.1.0.9', { left: 0 })
}

test('five false seeds keep another site from the real one for as many announces, and not longer', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'], more: INTERVAL })
  await federation.connected()
  const round = await roundOfRealSeed(
    federation,
    hosts(5).map((from) => ({ from, port: 6881 })),
  )
  reportFigure(
    `five false seeds of another site: the real one is handed out in round ${round ?? 'none'} of ${ROUNDS}`,
  )
  expect(round).toBeLessThanOrEqual(6)
})

test('five ports of one host without content keep another site from the real seed for one announce', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'], more: INTERVAL })
  await federation.connected()
  const ports = Array.from({ length: 5 }, (_, index) => ({ from: '127.1.0.1', port: 7_000 + index }))
  expect(await roundOfRealSeed(federation, ports)).toBeLessThanOrEqual(1)
})

test('a site that observes its clients hands out the real seed at once', async () => {
  const federation = await aFederation({
    names: ['fra', 'ams'],
    more: INTERVAL,
    topology: 'links: [{ between: [fra, ams], carry: direct }]',
    environment: { SITESWARM_OBSERVE_CONNECTIONS: '4096' },
  })
  await federation.connected()
  await listensAt('127.1.0.9', ALL_PIECES)
  for (const host of [...hosts(5), ...LEECHERS]) await listensAt(host, NO_PIECES)
  const falseSeeds = hosts(5).map((from) => ({ from, port: 6881 }))
  await announceSeeds(federation.site('fra'), falseSeeds)
  await until('fra has seen that five of them have nothing', async () => {
    return (await federation.site('fra').metric('siteswarm_false_seeds{site="fra"}')) === 5
  })
  expect(await roundOfRealSeed(federation, falseSeeds)).toBe(0)
})
