/**
 * Lane for announces: reads an announce from the connection itself and writes the response to it, without the parser and
 * the request and response objects of Node. These cost as much as all of the rest of an announce on a kept connection
 * (bench/http-announces.ts).
 *
 * The lane knows one form of request (`wire/http/announce-head.ts`) and rejects none: a connection with any other bytes
 * goes to the server of Node, with these bytes, and stays there. That server has the limits for slow senders, so the lane
 * keeps no incomplete request.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Arrival } from '../../core/announce.ts'
import { readAnnounceHead, TARGET_START } from '../../wire/http/announce-head.ts'
import { type AnnounceAnswer, writeAnswer } from './announce-answer.ts'
import { remoteAddressOf } from './proxied-connection.ts'

export interface AnnounceLaneInit {
  /** Never throws, and the promise never rejects. */
  readonly answer: (
    target: string,
    socketAddress: string,
    headers: IncomingHttpHeaders,
    arrival: Arrival,
  ) => AnnounceAnswer | Promise<AnnounceAnswer>
  /** False once each response has to close its connection. */
  readonly keepsConnections: () => boolean
  /** Called with the first announce of a connection. */
  readonly onFirstRequest: (socket: Socket) => void
  /** The server of Node takes the connection, with bytes that are already read. */
  readonly handOver: (socket: Socket, bytes: Buffer) => void
}

/** Bytes that are kept of a client that sends more while its response is deferred: some pipelined announces. */
const PENDING_BYTES_MAX = 16_384

const NO_HEADERS: IncomingHttpHeaders = Object.freeze({})
const NO_BYTES = Buffer.alloc(0)

export class AnnounceLane {
  readonly #init: AnnounceLaneInit
  readonly #connections = new Set<LaneConnection>()

  constructor(init: AnnounceLaneInit) {
    this.#init = init
  }

  /** Takes a new connection. */
  accept(socket: Socket): void {
    const connection = new LaneConnection(socket, this.#init, () => this.#connections.delete(connection))
    this.#connections.add(connection)
  }

  /** Closes the connections between two requests; those without a request yet may be about to send one. */
  closeIdle(): void {
    for (const connection of this.#connections) connection.closeIfIdle()
  }
}

class LaneConnection {
  readonly #socket: Socket
  readonly #init: AnnounceLaneInit
  readonly #onLeave: () => void
  readonly #onData = (bytes: Buffer) => this.#receive(bytes)
  readonly #onEnd = () => this.#socket.end()
  readonly #onDrain = () => this.#socket.resume()
  #state: 'new' | 'idle' | 'waiting' | 'closing' = 'new'
  /** Received behind a request whose response is deferred. */
  #pending: Buffer = NO_BYTES

  constructor(socket: Socket, init: AnnounceLaneInit, onLeave: () => void) {
    this.#socket = socket
    this.#init = init
    this.#onLeave = onLeave
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('drain', this.#onDrain)
    socket.on('error', onError)
    socket.on('close', onLeave)
  }

  closeIfIdle(): void {
    if (this.#state === 'idle') this.#close()
  }

  #receive(bytes: Buffer): void {
    if (this.#state === 'closing') return
    if (this.#state !== 'waiting') return this.#serve(bytes)
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    if (this.#pending.length > PENDING_BYTES_MAX) this.#socket.pause()
  }

  /** Answers the announces in these bytes, in order. */
  #serve(bytes: Buffer): void {
    const { answer } = this.#init
    for (let at = 0; at < bytes.length;) {
      const head = readAnnounceHead(bytes, at)
      if (head === undefined) return this.#leave(bytes.subarray(at))
      const remoteAddress = remoteAddressOf(this.#socket)
      // The client has disconnected already, so its address is not available.
      if (remoteAddress === undefined) return void this.#socket.destroy()
      if (this.#state === 'new') this.#init.onFirstRequest(this.#socket)
      this.#state = 'idle'
      const target = bytes.toString('latin1', at + TARGET_START, head.targetEnd)
      const given = answer(target, remoteAddress, NO_HEADERS, this.#socket)
      at = head.end
      if (given instanceof Promise) {
        this.#state = 'waiting'
        this.#pending = bytes.subarray(at)
        return void this.#sendDeferred(given, head.closes)
      }
      this.#send(given, head.closes)
      if (this.#state !== 'idle') return
    }
  }

  async #sendDeferred(answer: Promise<AnnounceAnswer>, closes: boolean): Promise<void> {
    const given = await answer
    if (this.#socket.destroyed) return
    this.#state = 'idle'
    this.#send(given, closes)
    const pending = this.#pending
    this.#pending = NO_BYTES
    if (this.#state !== 'idle') return
    if (!this.#socket.writableNeedDrain) this.#socket.resume()
    this.#serve(pending)
  }

  #send(answer: AnnounceAnswer, closes: boolean): void {
    const keeps = !closes && answer.status === 200 && this.#init.keepsConnections()
    const isSent = this.#socket.write(writeAnswer(answer, keeps), 'latin1')
    if (!keeps) this.#close()
    // A client that reads no responses gets no more of its requests read, until `drain`.
    else if (!isSent) this.#socket.pause()
  }

  /** Sends what is written, then closes, also if the client keeps its half open. */
  #close(): void {
    this.#state = 'closing'
    this.#socket.destroySoon()
  }

  #leave(bytes: Buffer): void {
    const socket = this.#socket
    this.#state = 'closing'
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('drain', this.#onDrain)
    socket.off('close', this.#onLeave)
    this.#onLeave()
    socket.resume()
    this.#init.handOver(socket, bytes)
    socket.off('error', onError)
  }
}

/** A reset, usually. The connection is closed by then. */
function onError(): void {}
