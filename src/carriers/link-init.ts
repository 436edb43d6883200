/** Values that a connection to a client needs, and the events that it reports. */
import type { ClientSocket, SocketEnd, SocketEvents } from '../observers/client-socket.ts'
import type { LivenessProbe, ProbeOutcome } from '../observers/liveness-probe.ts'
import type { PieceRecord } from '../observers/piece-record.ts'
import type { Block } from '../wire/peer/block.ts'
import type { ProtocolViolation } from '../wire/peer/protocol-violation.ts'
import type { RequestResult } from './router-init.ts'
import type { ClientFault } from './carrier-counters.ts'
import type { Requester } from './holder.ts'

/** `mute`: the client accepted the connection and sent no handshake. */
export type LinkEnd = SocketEnd | ProtocolViolation | ClientFault | 'memory' | 'mute'

export interface LinkEvents {
  /** The client accepted the connection. */
  onReachable(): void
  /** The handshake is complete. */
  onGreeted(peerId: Buffer): void
  /** The client has shown a bitfield. */
  onBitfield(): void
  onGained(piece: number): void
  /** The client answers requests of the node, or no longer does. */
  onReady(isReady: boolean): void
  onBlock(block: Block, data: Buffer): void
  /** A block was passed to the socket. */
  onServed(block: Block): void
  onFault(fault: ClientFault): void
  /** At most once, and never after `close`. */
  onEnd(end: LinkEnd): void
}

export interface LinkInit {
  readonly name: string
  /** Its address. */
  readonly host: string
  readonly kind: 'source' | 'host'
  readonly infoHash: Buffer
  readonly peerId: Buffer
  readonly pieces: PieceRecord
  /** Pieces that the client has although it did not send a HAVE for them. */
  readonly hasSilently: (piece: number) => boolean
  readonly router: {
    request(requester: Requester, block: Block): RequestResult
    cancel(requester: Requester, block: Block): void
  }
  readonly connect: (events: SocketEvents) => ClientSocket
  /** Offered pieces that the client lacks. */
  readonly offers: () => number
  /** Finds out whether a silent client still exists. Undefined for a client that cannot be dialled. */
  readonly probe: ((onOutcome: (outcome: ProbeOutcome) => void) => LivenessProbe) | undefined
  /** The block waits for the next offer to the client, for a few seconds. */
  readonly isWithheld: (block: Block) => boolean
  readonly nowMs: () => number
  readonly events: LinkEvents
}
