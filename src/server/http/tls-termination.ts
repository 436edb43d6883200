/**
 * TLS on accepted connections: handshake, and the stream of plain bytes behind it. A new certificate is used by new
 * connections; open ones keep theirs.
 *
 * The server of Node for TLS is used without its listener, because a PROXY header comes before the handshake.
 */
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { ListenerTls } from '../../core/tls-pair.ts'

export class TlsTermination {
  readonly #server: Server
  /** Connections in their handshake, by both addresses and ports: Node does not name the connection of a TLS stream. */
  readonly #handshakes = new Map<string, Socket>()

  /** `onSecure`: after the handshake. */
  constructor(
    tls: ListenerTls,
    handshakeTimeoutMs: number,
    onSecure: (stream: TLSSocket, connection: Socket) => void,
  ) {
    this.#server = createServer({ ...tls.options, handshakeTimeout: handshakeTimeoutMs }, (stream) => {
      const key = keyOf(stream)
      const connection = this.#handshakes.get(key)
      this.#handshakes.delete(key)
      if (connection === undefined) stream.destroy()
      else onSecure(stream, connection)
    })
    // A failed handshake: a scanner, or a client without HTTPS. Node closes the connection.
    this.#server.on('tlsClientError', (_error, stream) => void stream.destroy())
    tls.onReplace((replaced) => this.#server.setSecureContext(replaced))
  }

  /** Takes a connection before the first byte of its handshake is read. */
  accept(connection: Socket): void {
    const key = keyOf(connection)
    this.#handshakes.set(key, connection)
    connection.once('close', () => {
      if (this.#handshakes.get(key) === connection) this.#handshakes.delete(key)
    })
    this.#server.emit('connection', connection)
  }
}

function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0} ${localAddress ?? ''} ${localPort ?? 0}`
}
