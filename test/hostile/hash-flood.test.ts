/** A host that chooses identifiers for the places that they have in an index of the node. */
import { expect, test } from 'vitest'
import { parseAddress, type Address } from '../../src/core/address.ts'
import { aNode, type RunningNode } from '../a-node.ts'
import { CollidingClients } from './colliding-clients.ts'
import { reportFigure } from './report-figure.ts'
import { cpuTicks, flood, type FloodAnnounce, FROM } from './udp-flood.ts'

const ANNOUNCES = 50_000
/** The test is about the index, which must not depend on the limits of a source. */
const UNLIMITED =
  'limits: { requestsPerSource: 1000000, torrentsPerSource: 1000000, peersPerSource: 1000000 }\n'
/** Room for the noise of a busy machine. With a mixer without a key the ratio was 4.2. */
const RATIO_MAX = 2

function* announces(peerIdOf: (index: number) => Buffer): Generator<FloodAnnounce> {
  for (let index = 0; index < ANNOUNCES; index++) {
    const infoHash = Buffer.alloc(20, 1)
    infoHash.writeUInt32BE(index, 8)
    yield { infoHash, peerId: peerIdOf(index), port: 6881 }
  }
}

/** CPU ticks of the node for the flood. */
async function costOf(node: RunningNode, peerIdOf: (index: number) => Buffer): Promise<number> {
  const pid = node.process.pid as number
  const before = cpuTicks(pid)
  expect(await flood(node, announces(peerIdOf))).toBe(ANNOUNCES)
  return cpuTicks(pid) - before
}

test('announces of clients that shared one place of the index cost as much as any others', async () => {
  const attack = new CollidingClients(parseAddress(FROM) as Address)
  const peerIds = Array.from({ length: ANNOUNCES }, (_, index) => attack.peerId(index))
  const ordinary = await costOf(await aNode({ more: UNLIMITED }), (index) => {
    const peerId = Buffer.from('-XX0000-............')
    peerId.writeUInt32BE(Math.imul(index, 0x9e3779b1) >>> 0, 8)
    return peerId
  })
  const colliding = await costOf(await aNode({ more: UNLIMITED }), (index) => peerIds[index] as Buffer)
  reportFigure(`${ANNOUNCES} announces: ordinary ${ordinary / 100} s, colliding ${colliding / 100} s of CPU`)
  expect(colliding / ordinary).toBeLessThan(RATIO_MAX)
})
