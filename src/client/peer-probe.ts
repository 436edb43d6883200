/**
 * Reads the completion of a client as another client does: connects, sends a handshake and reads the bitfield. For
 * clients that do not announce their completion (`tracker/completion-poller.ts`).
 *
 * Only peers that announced from their own address are probed, so a node cannot be aimed at a third party.
 */
import { connect } from 'node:net'
import type { Address } from '../core/address.ts'
import { writeHandshake } from '../wire/peer/handshake.ts'
import { MessageReader } from '../wire/peer/message-reader.ts'
import { PieceSet } from '../wire/peer/piece-set.ts'

/** A client in the same site answers within milliseconds; one that checks its files is probed again. */
const DEADLINE_MS = 3_000
/** Peer id (BEP 20) that identifies the node. The client sees a peer that connects, reads and disconnects. */
const PEER_ID = Buffer.from('-SW0100-inquiringnow', 'latin1')

/** A peer of one torrent. */
export interface ProbeTarget {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
}

/** Never rejects: undefined where the client cannot be reached, or does not answer in time. */
export function probeCompletion({ infoHash, address, port }: ProbeTarget): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address.toString(), port })
    const deadline = setTimeout(() => end(undefined), DEADLINE_MS)
    const end = (share: number | undefined) => {
      clearTimeout(deadline)
      reader.stop()
      socket.destroy()
      resolve(share)
    }
    const reader = shareReader(infoHash, end)
    socket.on('connect', () => socket.write(writeHandshake(infoHash, PEER_ID)))
    socket.on('error', () => end(undefined))
    socket.on('close', () => end(undefined))
    socket.on('data', (chunk) => {
      // A violation: the port no longer belongs to the client, whose peer row expires with its lifetime.
      if (reader.read(chunk) !== undefined) end(undefined)
    })
  })
}

/** A client whose first message is not its bitfield has no pieces (BEP 3). */
function shareReader(infoHash: Buffer, end: (share: number | undefined) => void): MessageReader {
  let pieces = new PieceSet(0)
  return new MessageReader((message) => {
    if (message.kind === 'handshake') {
      if (!message.infoHash.equals(infoHash)) end(undefined)
    } else if (message.kind === 'bitfield') pieces = new PieceSet(message.length)
    else if (message.kind === 'bitfield-part') {
      pieces.replace(message.bytes, message.at)
      if (message.isLast) end(pieces.count / Math.max(pieces.piecesMin(), 1))
    } else end(message.kind === 'have-all' ? 1 : 0)
  })
}
