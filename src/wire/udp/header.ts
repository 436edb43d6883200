/**
 * The header of all UDP tracker messages (BEP 15): big-endian integers, an action, and a transaction id that the
 * response repeats. Requests begin with a connection id, which proves that the sender receives packets at its
 * address; responses do not.
 */

/*
  Request => 16 bytes and more          Response => 8 bytes and more
     0  uint64   connection_id             0  uint32   action           that of the request, or 3
     8  uint32   action                    4  uint32   transaction_id
    12  uint32   transaction_id
*/
export const REQUEST_HEAD_BYTES = 16
export const RESPONSE_HEAD_BYTES = 8

export const actions = { connect: 0, announce: 1, scrape: 2, error: 3 } as const

export interface RequestHead {
  /** The 8 bytes of the connect response. */
  readonly connectionId: Buffer
  readonly transactionId: number
}

/** The packet has at least `REQUEST_HEAD_BYTES`. */
export function actionOf(request: Buffer): number {
  return request.readUInt32BE(8)
}

export function transactionIdOf(request: Buffer): number {
  return request.readUInt32BE(12)
}

export function writeRequestHead(into: Buffer, action: number, head: RequestHead): void {
  head.connectionId.copy(into, 0, 0, 8)
  into.writeUInt32BE(action, 8)
  into.writeUInt32BE(head.transactionId, 12)
}

export function writeResponseHead(into: Buffer, action: number, transactionId: number): void {
  into.writeUInt32BE(action, 0)
  into.writeUInt32BE(transactionId, 4)
}

/** True for a response to the request with that action; datagrams from unknown senders may arrive at any time. */
export function isResponse(packet: Buffer, action: number, transactionId: number): boolean {
  return (
    packet.length >= RESPONSE_HEAD_BYTES &&
    packet.readUInt32BE(0) === action &&
    packet.readUInt32BE(4) === transactionId
  )
}
