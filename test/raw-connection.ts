/** A TCP connection that sends exact bytes, and reads HTTP responses one by one. */
import { type Socket, connect } from 'node:net'

export interface RawResponse {
  readonly statusLine: string
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** One character a byte. */
  readonly body: string
}

export class RawConnection {
  /** Sent first on each connection. An empty line is ignored by parsers of HTTP (RFC 9112 §2.2). */
  static firstBytes = ''
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #isClosed = false
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    // A server may close with a reset; the bytes that were received before stay.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  static async open(port: number, from?: string): Promise<RawConnection> {
    const socket = connect({ host: '127.0.0.1', port, ...(from === undefined ? {} : { localAddress: from }) })
    const connection = new RawConnection(socket)
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    if (RawConnection.firstBytes !== '') connection.write(RawConnection.firstBytes)
    return connection
  }

  /** Text is written one byte a character. */
  write(bytes: string | Buffer): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Closes the sending half; the connection still receives. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Stops reading, so that the server cannot send. */
  pause(): void {
    this.#socket.pause()
  }

  /** The next response; undefined if the connection is closed before it is complete. */
  async response(): Promise<RawResponse | undefined> {
    for (;;) {
      const response = this.#takeResponse()
      if (response !== undefined || this.#isClosed) return response
      await this.#change()
    }
  }

  /** Resolves once the server has closed, with the received bytes that were not taken as a response. */
  async closed(): Promise<string> {
    while (!this.#isClosed) await this.#change()
    return this.#received.toString('latin1')
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  #takeResponse(): RawResponse | undefined {
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return undefined
    const [statusLine = '', ...lines] = this.#received.toString('latin1', 0, headEnd).split('\r\n')
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      }),
    )
    const bodyStart = headEnd + 4
    const bodyEnd = bodyStart + Number(headers.get('content-length') ?? 0)
    if (this.#received.length < bodyEnd) return undefined
    const body = this.#received.toString('latin1', bodyStart, bodyEnd)
    this.#received = this.#received.subarray(bodyEnd)
    return { statusLine, headers, body }
  }
}
