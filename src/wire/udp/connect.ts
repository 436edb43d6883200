/**
 * UDP connect (BEP 15): a sender requests a connection id, which reaches it only if its source address is its own.
 *
 * This is the only request of an unproven sender that gets a response. Both have 16 bytes, so that a forged source
 * address gives no amplification.
 */
import { actionOf, actions, REQUEST_HEAD_BYTES, transactionIdOf, writeResponseHead } from './header.ts'

/*
  ConnectRequest => 16 bytes
     0  uint64   protocol_id      0x41727101980
     8  uint32   action           0
    12  uint32   transaction_id   echoed in the response
*/
const PROTOCOL_ID_HIGH = 0x417
const PROTOCOL_ID_LOW = 0x27101980

/** The transaction id of a connect; undefined where the packet is not a connect. */
export function readConnect(packet: Buffer): number | undefined {
  const isConnect =
    packet.length >= REQUEST_HEAD_BYTES &&
    actionOf(packet) === actions.connect &&
    packet.readUInt32BE(0) === PROTOCOL_ID_HIGH &&
    packet.readUInt32BE(4) === PROTOCOL_ID_LOW
  return isConnect ? transactionIdOf(packet) : undefined
}

export function writeConnect(transactionId: number): Buffer {
  const packet = Buffer.allocUnsafe(REQUEST_HEAD_BYTES)
  packet.writeUInt32BE(PROTOCOL_ID_HIGH, 0)
  packet.writeUInt32BE(PROTOCOL_ID_LOW, 4)
  packet.writeUInt32BE(actions.connect, 8)
  packet.writeUInt32BE(transactionId, 12)
  return packet
}

/*
  ConnectResponse => 16 bytes, exactly: Transmission and aria2 drop longer ones
     0  uint32   action           0
     4  uint32   transaction_id
     8  uint64   connection_id
*/
const CONNECT_RESPONSE_BYTES = 16

export function writeConnectResponse(transactionId: number, connectionId: Buffer): Buffer {
  const packet = Buffer.allocUnsafe(CONNECT_RESPONSE_BYTES)
  writeResponseHead(packet, actions.connect, transactionId)
  connectionId.copy(packet, 8, 0, 8)
  return packet
}

/** The connection id in a packet for which `isResponse` is true; undefined where it ends too early. */
export function readConnectResponse(packet: Buffer): Buffer | undefined {
  return packet.length < CONNECT_RESPONSE_BYTES ? undefined : packet.subarray(8, 16)
}
