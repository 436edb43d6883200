/** One host of a site that announces what is not true, on many ports, and what the other hosts of the site are answered. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { announceFrom, aNode, peersOf, type RunningNode } from '../a-node.ts'
import { ALL_PIECES, listensAt, NO_PIECES } from './listening-client.ts'
import { reportFigure } from './report-figure.ts'
import { flood, type FloodAnnounce } from './udp-flood.ts'

const HOSTILE = '127.1.1.200'
const HOSTS = Array.from({ length: 30 }, (_, index) => `127.1.${1 + (index % 2)}.${index + 1}`)
const PORTS = 500

function* ports(leftBytes: number): Generator<FloodAnnounce> {
  for (let index = 0; index < PORTS; index++) {
    const peerId = Buffer.from('-XX0000-............')
    peerId.writeUInt32BE(index, 8)
    yield { infoHash: Buffer.alloc(20, 0xab), peerId, port: 20_000 + index, leftBytes }
  }
}

/** Announces of all honest hosts by turns. Returns the addresses of the peers in each answer. */
async function answersTo(node: RunningNode, rounds: number): Promise<string[][]> {
  const answers: string[][] = []
  for (let round = 0; round < rounds; round++)
    for (const host of HOSTS) {
      const peers = peersOf(await announceFrom(node, host, { left: 1_000_000 - round }))
      answers.push(peers.map((peer) => peer.split(':')[0] as string))
    }
  return answers
}

test('500 ports of one host are not more than one host of what the others are answered', async () => {
  const node = await aNode()
  await answersTo(node, 1)
  await flood(node, ports(1_000_000), HOSTILE)
  const newcomers = Array.from({ length: 60 }, (_, index) => `127.1.${1 + (index % 2)}.${index + 100}`)
  const answers: string[][] = []
  for (const host of newcomers.filter((each) => each !== HOSTILE))
    answers.push(peersOf(await announceFrom(node, host)).map((peer) => peer.split(':')[0] as string))
  const named = answers.flat()
  const hostile = named.filter((address) => address === HOSTILE).length
  reportFigure(
    `500 ports of one host beside ${HOSTS.length} hosts: ${hostile} of ${named.length} peers that ${answers.length} new hosts are answered, in ${answers.filter((each) => each.includes(HOSTILE)).length} answers`,
  )
  for (const answer of answers)
    expect(answer.filter((address) => address === HOSTILE).length).toBeLessThanOrEqual(1)
  expect(hostile / named.length).toBeLessThan(0.15)
})

/** No other test has clients at these addresses. */
const [HONEST, OTHER] = ['127.1.1.201', '127.1.1.202']
/** In another site. */
const SEED = '127.2.1.201'
const LEFT = 1_000_000_000
/** Lifetimes are 32 s with this interval, and an announce counts as one without progress after an eighth of it. */
const INTERVAL = 'interval: { min: 1s, max: 1s }\n'
const COUNTED_MS = 4_200
const ROUNDS = 6

/** Announces of the hostile host, the seed, and the honest hosts, by turns, until an honest host is handed the seed. */
async function roundOfSupply(
  node: RunningNode,
  hostile: () => Promise<unknown>,
): Promise<number | undefined> {
  for (let round = 0; round < ROUNDS; round++) {
    await hostile()
    await announceFrom(node, SEED, { left: 0 })
    for (const host of [HONEST, OTHER])
      if (peersOf(await announceFrom(node, host, { left: LEFT })).includes(`${SEED}:6881`)) return round
    await sleep(COUNTED_MS)
  }
  return undefined
}

const gateway = (node: RunningNode) => announceFrom(node, HOSTILE, { left: LEFT })

/** Resolves once each host without content has shown that to the node. */
async function observed(node: RunningNode, count: number): Promise<void> {
  const shown = /^siteswarm_observers\{site="fra"\} (\d+)$/m
  await expect
    .poll(async () => Number(shown.exec(await (await node.admin('/metrics')).text())?.[1]), {
      timeout: 60_000,
    })
    .toBeGreaterThanOrEqual(count)
}

describe('a gateway without progress is replaced', () => {
  test('after some announces, by another host and not by one of its twenty ports', async () => {
    const node = await aNode({ more: INTERVAL })
    await announceFrom(node, SEED, { left: 0 })
    const again: string[] = []
    const round = await roundOfSupply(node, async () => {
      for (let port = 7_000; port < 7_020; port++)
        if (peersOf(await announceFrom(node, HOSTILE, { port, left: LEFT })).includes(`${SEED}:6881`))
          again.push(`${port}`)
    })
    reportFigure(
      `twenty ports of one gateway without progress: another host fetches in round ${round ?? 'none'}`,
    )
    expect(round).toBeDefined()
    // One port was the gateway, and no other one after it.
    expect(new Set(again).size).toBe(1)
  })

  test('within seconds where the node observes that it has no piece', async () => {
    const node = await aNode({ isObserving: true, more: INTERVAL })
    await listensAt(SEED, ALL_PIECES)
    for (const host of [HOSTILE, HONEST, OTHER]) await listensAt(host, NO_PIECES)
    await announceFrom(node, SEED, { left: 0 })
    expect(peersOf(await gateway(node))).toContain(`${SEED}:6881`)
    const startMs = performance.now()
    await observed(node, 1)
    await sleep(7_000)
    // Once, unless the machine is busy.
    const answer = async () => peersOf(await announceFrom(node, HONEST, { left: LEFT }))
    await expect.poll(answer, { timeout: 50_000, interval: 2_000 }).toContain(`${SEED}:6881`)
    expect(performance.now() - startMs).toBeLessThan(60_000)
  })
})

describe('a false seed does not keep its site from a real seed of another one', () => {
  test('for more than some announces of its hosts', async () => {
    const node = await aNode({ more: INTERVAL })
    const round = await roundOfSupply(node, () => announceFrom(node, HOSTILE, { left: 0 }))
    reportFigure(
      `one false seed in a site: an honest host is handed the real seed in round ${round ?? 'none'}`,
    )
    expect(round).toBeLessThanOrEqual(4)
  })

  test('for more than seconds where the node observes that it has no piece', async () => {
    const node = await aNode({ isObserving: true, more: INTERVAL })
    await listensAt(SEED, ALL_PIECES)
    for (const host of [HOSTILE, HONEST, OTHER]) await listensAt(host, NO_PIECES)
    expect(await roundOfSupply(node, () => announceFrom(node, HOSTILE, { left: 0 }))).toBeLessThanOrEqual(1)
  })
})
