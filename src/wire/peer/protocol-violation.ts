/**
 * Bytes of a peer that no client conforming to BEP 3 sends. A violation is a value: the connection that received it is
 * closed and counted by code, and nothing is thrown through a socket's event handler.
 *
 * The codes are a small closed set, because they are labels of counters.
 */

/** Each code with its meaning, for logs and for `explain`. */
export const peerViolations = {
  'protocol-unknown': 'the first bytes are not a BitTorrent handshake',
  'infohash-wrong': 'the handshake names another torrent',
  'message-too-long': 'a message is longer than any message of this protocol',
  'length-wrong': 'the length of a message does not match its id',
  'piece-out-of-range': 'a message names a piece that the torrent does not have',
  'block-length-wrong': 'a block is empty or longer than 16 KiB',
  'bitfield-wrong': 'a bitfield does not match the number of pieces',
} as const

export type PeerViolationCode = keyof typeof peerViolations

export class ProtocolViolation {
  readonly code: PeerViolationCode
  /** The offending value, for the log. Contains no bytes of the peer. */
  readonly detail: string

  constructor(code: PeerViolationCode, detail: string) {
    this.code = code
    this.detail = detail
  }

  get message(): string {
    return `${peerViolations[this.code]} (${this.detail})`
  }
}
