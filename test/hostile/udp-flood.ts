/** One socket that announces to a node over UDP as fast as the node answers, and the CPU time that this costs the node. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { type UdpAnnounce, writeAnnounce } from '../../src/wire/udp/announce.ts'
import { readConnectResponse, writeConnect } from '../../src/wire/udp/connect.ts'
import type { RunningNode } from '../a-node.ts'

/** Fewer than fit into a receive buffer: the order of the announces is part of some attacks. */
const IN_FLIGHT = 32

export const FROM = '127.1.1.1'

export type FloodAnnounce = Partial<UdpAnnounce> & Pick<UdpAnnounce, 'infoHash' | 'peerId' | 'port'>

/** Sends all announces in order from one address and resolves with the number of responses that were announces. */
export async function flood(
  node: RunningNode,
  announces: Iterable<FloodAnnounce>,
  from = FROM,
): Promise<number> {
  const url = new URL(node.udpAnnounceUrl)
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.bind(0, from)
  await once(socket, 'listening')
  socket.connect(Number(url.port), url.hostname)
  await once(socket, 'connect')
  socket.send(writeConnect(1))
  const [response] = (await once(socket, 'message')) as [Buffer]
  const connectionId = readConnectResponse(response) as Buffer
  let answered = 0
  const open = { count: 0 }
  let wake = () => {}
  socket.on('message', (packet: Buffer) => {
    if (packet.readUInt32BE(0) === 1) answered++
    open.count--
    wake()
  })
  const nextResponse = () => new Promise<void>((resolve) => (wake = resolve))
  let transactionId = 1
  for (const announce of announces) {
    if (open.count >= IN_FLIGHT) await nextResponse()
    open.count++
    socket.send(writeAnnounce({ connectionId, transactionId: ++transactionId }, { ...DEFAULTS, ...announce }))
  }
  while (open.count > 0) await nextResponse()
  return answered
}

const DEFAULTS = {
  downloadedBytes: 0,
  uploadedBytes: 0,
  leftBytes: 1_000,
  event: 'started',
  peersWanted: 1,
  key: Buffer.alloc(0),
  urlData: Buffer.alloc(0),
} as const

/** CPU time of all threads of a process so far, in clock ticks of 10 ms. */
export function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}
