/**
 * The TCP connection of an observer as the rest of the room sees it: an interface that a test can drive, and its
 * implementation with a socket of Node.
 */
import { connect } from 'node:net'
import { type Address, parseAddress } from '../core/address.ts'
import { batchedWrites } from './batched-writes.ts'

/**
 * - `refused`: the host answered that the port is closed, or the network that the host does not exist.
 * - `silent`: no answer within the time of the kernel.
 * - `closed`: the client accepted the connection and it ended.
 * - `local`: the node itself could not open a connection. Reveals nothing about the client.
 */
export type SocketEnd = 'refused' | 'silent' | 'closed' | 'local'

export interface SocketEvents {
  /** The client accepted the connection. */
  onOpen(): void
  /** The chunk is valid during the call. */
  onData(chunk: Buffer): void
  /** The client has accepted all bytes that were written. */
  onDrain?(): void
  /** At most once, and never after `destroy`. */
  onEnd(end: SocketEnd): void
}

export interface ClientSocket {
  write(bytes: Buffer): void
  /** Bytes that the client has not accepted yet. */
  readonly unsentBytes: number
  /** Stops reading. Data of the client waits in the kernel, and then in the client. */
  pause(): void
  resume(): void
  /** Ends the connection. No event follows. */
  destroy(): void
}

export type Dial = (
  to: { readonly address: Address; readonly port: number },
  events: SocketEvents,
) => ClientSocket

/**
 * The kernel checks an idle connection after this time, then once a second, and closes it after ten checks without an
 * answer. Finds dead connections to clients that are not important enough for a liveness probe, without any message.
 */
const TCP_KEEP_ALIVE_MS = 15_000

const CLOSED_PORT = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EHOSTDOWN'])

/**
 * Chunks of all connections, one after the other: a chunk is used during `onData` only. A stream of Node would read into
 * buffers of its own while it is paused, one chunk a packet; with `onread` the bytes stay in the kernel.
 */
const CHUNK = Buffer.allocUnsafeSlow(65_536)

const WILDCARDS = new Set(['0.0.0.0', '::'])

/** `localAddress`: of the node, for clients of its family. Undefined, or the wildcard: the kernel chooses. */
export function dialFrom(localAddress: string | undefined): Dial {
  const local = localAddress === undefined ? undefined : parseAddress(localAddress)
  if (local === undefined || WILDCARDS.has(local.toString()))
    return (to, events) => open(to, events, undefined)
  return (to, events) => open(to, events, to.address.isV4 === local.isV4 ? localAddress : undefined)
}

export const dialTcp: Dial = dialFrom(undefined)

function open(
  { address, port }: Parameters<Dial>[0],
  events: SocketEvents,
  localAddress: string | undefined,
): ClientSocket {
  let isOpen = false
  let isPaused = false
  let end: SocketEnd = 'closed'
  const socket = connect({
    host: address.toString(),
    port,
    ...(localAddress === undefined ? {} : { localAddress }),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    onread: {
      buffer: CHUNK,
      callback: (length) => {
        events.onData(CHUNK.subarray(0, length))
        return !isPaused
      },
    },
  })
  socket.on('connect', () => {
    isOpen = true
    events.onOpen()
  })
  socket.on('drain', () => events.onDrain?.())
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (!isOpen) end = endOf(error.code)
  })
  socket.on('close', () => events.onEnd(end))
  return {
    write: batchedWrites(socket),
    get unsentBytes() {
      return socket.writableLength
    },
    pause: () => {
      isPaused = true
      socket.pause()
    },
    resume: () => {
      isPaused = false
      socket.resume()
    },
    destroy: () => {
      isPaused = true
      socket.removeAllListeners()
      // A socket that is destroyed while it connects may still emit an error.
      socket.on('error', () => {})
      socket.destroy()
    },
  }
}

/** ENETUNREACH, EMFILE, EADDRNOTAVAIL, EPERM and others are of this machine. */
function endOf(code: string | undefined): SocketEnd {
  if (code === 'ETIMEDOUT') return 'silent'
  return code !== undefined && CLOSED_PORT.has(code) ? 'refused' : 'local'
}
