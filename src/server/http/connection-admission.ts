/**
 * New connections of the tracker's HTTP listener, from the accepted socket to the stream that carries HTTP: limits, the
 * PROXY header of a trusted proxy, and TLS.
 *
 * All clients of a trusted proxy share its address, so its connections are not limited and not closed for others; with a
 * PROXY header they count as connections of the client.
 */
import type { Socket } from 'node:net'
import { type Address, parseAddress } from '../../core/address.ts'
import type { RefusalCode } from '../../core/errors.ts'
import type { ListenerTls } from '../../core/tls-pair.ts'
import type { TrustedAddresses } from './client-address.ts'
import type { IdleConnections } from './idle-connections.ts'
import { readProxiedConnection, setClient } from './proxied-connection.ts'
import { SourceConnections } from './source-connections.ts'
import { TlsTermination } from './tls-termination.ts'

export interface ConnectionAdmissionInit {
  readonly connections: IdleConnections
  readonly connectionsMax: number
  readonly connectionsPerSourceMax: number
  readonly handshakeTimeoutMs: number
  readonly isTrusted: TrustedAddresses
  /** undefined: plain connections. */
  readonly tls: ListenerTls | undefined
  readonly onRefusal: (code: RefusalCode) => void
  /** The stream carries HTTP. */
  readonly onOpen: (stream: Socket) => void
  readonly onInvalidProxyHeader: ((from: string, reason: string) => void) | undefined
}

export class ConnectionAdmission {
  readonly #init: ConnectionAdmissionInit
  readonly #sources: SourceConnections
  readonly #tls: TlsTermination | undefined
  /** The accepted sockets of TLS streams. */
  readonly #socketOf = new WeakMap<Socket, Socket>()
  /** Clients of PROXY headers, by accepted socket. */
  readonly #clientOf = new WeakMap<Socket, Address>()

  constructor(init: ConnectionAdmissionInit) {
    this.#init = init
    this.#sources = new SourceConnections(init.connectionsPerSourceMax)
    if (init.tls !== undefined)
      this.#tls = new TlsTermination(init.tls, init.handshakeTimeoutMs, (stream, socket) => {
        this.#socketOf.set(stream, socket)
        this.#hand(stream, this.#clientOf.get(socket))
      })
  }

  accept(socket: Socket): void {
    const { connections, connectionsMax, isTrusted } = this.#init
    const isFull = connections.count >= connectionsMax
    const oldest = isFull ? this.#sources.oldestOfHeaviest(socket) : undefined
    if (isFull && oldest === undefined) return this.#reject(socket, 'TRK_OVERLOADED')
    const peer = parseAddress(socket.remoteAddress ?? '')
    const isProxy = peer !== undefined && isTrusted(peer)
    if (!isProxy && !this.#sources.add(socket)) return this.#reject(socket, 'TRK_SOURCE_CONNECTIONS')
    connections.add(socket)
    if (oldest !== undefined) this.#reject(oldest, 'TRK_SOURCE_CONNECTIONS')
    if (isProxy) this.#readProxyHeader(socket)
    else this.#open(socket)
  }

  /** The client has sent a whole request. */
  markUsed(stream: Socket): void {
    this.#init.connections.markUsed(this.#socketOf.get(stream) ?? stream)
  }

  #readProxyHeader(socket: Socket): void {
    readProxiedConnection(socket, {
      onRead: (client) => {
        if (client !== undefined && !this.#admitClient(socket, client)) return
        this.#open(socket)
      },
      onInvalid: (reason) => {
        this.#init.onInvalidProxyHeader?.(socket.remoteAddress ?? '', reason)
        this.#reject(socket, 'TRK_FORWARDED_INVALID')
      },
    })
  }

  #admitClient(socket: Socket, client: Address): boolean {
    this.#clientOf.set(socket, client)
    if (this.#init.isTrusted(client) || this.#sources.add(socket, client.toString())) return true
    this.#reject(socket, 'TRK_SOURCE_CONNECTIONS')
    return false
  }

  #open(socket: Socket): void {
    if (this.#tls === undefined) this.#hand(socket, this.#clientOf.get(socket))
    else this.#tls.accept(socket)
  }

  #hand(stream: Socket, client: Address | undefined): void {
    if (client !== undefined) setClient(stream, client)
    this.#init.onOpen(stream)
    // Reading a PROXY header pauses it. The stream of a TLS connection has a listener only now, too.
    stream.resume()
  }

  #reject(socket: Socket, code: RefusalCode): void {
    this.#init.onRefusal(code)
    socket.destroy()
  }
}
