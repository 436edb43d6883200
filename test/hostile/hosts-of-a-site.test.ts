/** One host of a site that announces what is not true, on many ports, and what the other hosts of the site are answered. */
import { expect, test } from 'vitest'
import { announceFrom, aNode, peersOf, type RunningNode } from '../a-node.ts'
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
