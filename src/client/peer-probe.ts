/**
 * Asks a client how much of a torrent it has, the way any other client would: it connects, shakes hands and
 * reads the bitfield. For clients that do not say so to their tracker (`tracker/completion-poller.ts`).
 *
 * Only peers that announced themselves from their own address are asked, so nobody can send us to a third party.
 */
import { connect } from 'node:net'
import type { Address } from '../core/address.ts'
import { ANSWER_BYTES_MAX, readShare, writeHandshake } from '../wire/peer/handshake.ts'

/** A client in the same site answers within milliseconds; one that checks its files is asked again. */
const DEADLINE_MS = 3_000
/** Twenty bytes that name us (BEP 20). The client sees a peer that comes, looks, and goes. */
const PEER_ID = Buffer.from('-SW0100-inquiringnow', 'latin1')

export interface Inquired {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
}

/** Never rejects: undefined where the client could not be reached, or does not answer in time. */
export function probeCompletion({ infoHash, address, port }: Inquired): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address.toString(), port })
    const deadline = setTimeout(() => end(undefined), DEADLINE_MS)
    let answer = Buffer.alloc(0)
    const end = (share: number | undefined) => {
      clearTimeout(deadline)
      socket.destroy()
      resolve(share)
    }
    socket.on('connect', () => socket.write(writeHandshake(infoHash, PEER_ID)))
    socket.on('error', () => end(undefined))
    socket.on('close', () => end(undefined))
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk])
      try {
        const share = readShare(answer, infoHash)
        if (share !== undefined) end(share)
        else if (answer.length > ANSWER_BYTES_MAX) end(undefined)
      } catch {
        // Whatever listens there is not this client any more; that it is gone is for its lifetime to say.
        end(undefined)
      }
    })
  })
}
