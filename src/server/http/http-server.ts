/**
 * The tracker's HTTP listener: timeouts of connections, the lane for announces, and the routes to the handlers. New
 * connections pass `ConnectionAdmission`; behind it, a TLS stream is the same as a plain socket.
 *
 * Clients parse only bencode, so every error ends in a bencoded failure or a closed connection: errors of Fastify, of its
 * router, of Node's parser, and of the handlers. A request other than a GET does not reach the routes, because a HEAD
 * that runs the handler of the GET would register a peer for every health check.
 *
 * The connections of slow and silent clients are closed without a response: such a client would not read it, and after a
 * closed connection a client tries the next tracker soonest.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type FastifyInstance, fastify } from 'fastify'
import { assert } from '../../core/assert.ts'
import { Refusal } from '../../core/errors.ts'
import { CONNECTIONS_MAX, REQUEST_TARGET_BYTES_MAX, TOKEN_LENGTH_MAX } from '../../core/limits.ts'
import type { ListenerTls } from '../../core/tls-pair.ts'
import { writeFailure } from '../../wire/http/failure.ts'
import { AnnounceLane } from './announce-lane.ts'
import { ConnectionAdmission } from './connection-admission.ts'
import { IdleConnections } from './idle-connections.ts'
import { AnnounceHandler, type AnnounceHandlerInit, type DownloadHandler } from './announce-handler.ts'

export interface HttpServerLimits {
  /** Above this number, a new connection closes one of the source with the most, or is closed itself. */
  readonly connectionsMax: number
  /** Connections of one source, except trusted proxies. Further ones are closed as they arrive. */
  readonly connectionsPerSourceMax: number
  /** From the connection, or the end of the previous request, to the last header. */
  readonly headersTimeoutMs: number
  /** The same to the end of the request, including a body, which no request needs. */
  readonly requestTimeoutMs: number
  /** Interval between checks of the two timeouts above. */
  readonly timeoutCheckMs: number
  /** Time without traffic on a connection: no next request, no response read. */
  readonly silentTimeoutMs: number
}

export const httpServerLimits: HttpServerLimits = {
  connectionsMax: CONNECTIONS_MAX,
  /** A tenth: ten hosts that open as many as they can leave the node to all others. */
  connectionsPerSourceMax: 1_000,
  /** A request is one packet or two. On the worst links it arrives after three retransmissions. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  /** A slow sender is disconnected after at most 12 s; Node's default of 30 s would defeat the limits above. */
  timeoutCheckMs: 2_000,
  /** Longer than nginx and the load balancers of cloud providers keep connections (60 s), so that they never reuse one
   * that is being closed here; Transmission and aria2 need only more than 5 s. */
  silentTimeoutMs: 75_000,
}

export interface HttpServerInit extends AnnounceHandlerInit {
  /** Without them, `/torrents/` and `/webseed/` are unknown paths. */
  readonly torrents?: DownloadHandler
  readonly webSeeds?: DownloadHandler
  /** undefined: plain connections. */
  readonly tls?: ListenerTls | undefined
  /** Called with the address of a trusted proxy whose PROXY header is invalid. */
  readonly onInvalidProxyHeader?: (from: string, reason: string) => void
}

/**
 * Connections that the kernel accepts before the process does, up to net.core.somaxconn. With the 511 of Node, a flood of
 * 10,000 a second fills it in 50 ms, and the kernel then drops the first packet of others, which they repeat after a second.
 */
const BACKLOG = 4_096

/** Node counts a connection until its handle is closed, which takes a turn of the event loop. */
const CLOSING_CONNECTIONS_MAX = 1_000

/** The default of Node, set explicitly because REQUEST_TARGET_BYTES_MAX relies on it. */
const HEADER_BYTES_MAX = 16_384

assert(REQUEST_TARGET_BYTES_MAX < HEADER_BYTES_MAX, 'the longest target must fit into the header')

const NO_QUERY = Object.freeze({})

export class HttpServer {
  readonly #init: HttpServerInit
  readonly #announces: AnnounceHandler
  readonly #lane: AnnounceLane
  readonly #server: Server
  readonly #fastify: FastifyInstance
  readonly #connections = new IdleConnections()
  readonly #admission: ConnectionAdmission
  readonly #limits: HttpServerLimits
  #isDraining = false

  constructor(init: HttpServerInit, limits: HttpServerLimits = httpServerLimits) {
    this.#init = init
    this.#limits = limits
    // Connections are no longer kept at half of the limit, so that idle ones close before new ones are rejected.
    const keepsConnections = () => !this.#isDraining && this.#connections.count < limits.connectionsMax / 2
    this.#announces = new AnnounceHandler(init, keepsConnections)
    this.#server = this.#createServer(limits)
    this.#lane = this.#createLane(keepsConnections)
    this.#admission = this.#createAdmission(limits)
    this.#fastify = this.#createRoutes()
  }

  /** Returns the port, which the system chooses for port 0. Rejects if the address is not available. */
  async start(at: { readonly host: string; readonly port: number }): Promise<number> {
    await this.#fastify.ready()
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: at.host, port: at.port, backlog: BACKLOG }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    // From here on, an error is a failed accept(), usually because file descriptors are exhausted; the next may succeed.
    this.#server.on('error', (error) => {
      this.#init.log.error({ event: 'accept-failed', err: error }, 'a connection could not be accepted')
    })
    this.#connections.startClosing(this.#limits)
    return (this.#server.address() as AddressInfo).port
  }

  /** Open connections, idle ones included. */
  get connections(): number {
    return this.#connections.count
  }

  /**
   * Requests are still answered, and each response closes its connection. An idle connection stays open: closing it could
   * coincide with its next request, and the client would see an error.
   */
  drain(): void {
    this.#isDraining = true
  }

  undoDrain(): void {
    this.#isDraining = false
  }

  /** Closes the listener and idle connections, waits for requests in progress, and aborts them at the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    this.drain()
    const deadline = setTimeout(() => this.#connections.closeAll(), deadlineMs)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#lane.closeIdle()
    await closed
    clearTimeout(deadline)
    this.#connections.stopClosing()
    await this.#fastify.close()
  }

  #createServer(limits: HttpServerLimits): Server {
    const server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        connectionsCheckingInterval: limits.timeoutCheckMs,
        // `IdleConnections` closes the silent ones.
        keepAliveTimeout: 0,
        // Host is not used, and libtorrent sends an invalid one for IPv6 literals.
        requireHostHeader: false,
      },
      (request, response) => this.#receive(request, response),
    )
    // The margin is for connections that are being closed for new ones.
    server.maxConnections = limits.connectionsMax + CLOSING_CONNECTIONS_MAX
    server.on('drop', () => this.#init.onRefusal('TRK_OVERLOADED'))
    // Without these two, Node answers `Expect` itself: with a 100 that clients do not need, or with a 417.
    server.on('checkContinue', (request, response) => this.#receive(request, response))
    server.on('checkExpectation', (request, response) => this.#receive(request, response))
    return server
  }

  /** Puts the lane before the server of Node, which takes connections from the lane. */
  #createLane(keepsConnections: () => boolean): AnnounceLane {
    const server = this.#server
    const listeners = server.listeners('connection')
    const lane = new AnnounceLane({
      answer: (target, socketAddress, headers, arrival) =>
        this.#announces.answer(target, socketAddress, headers, arrival),
      keepsConnections,
      onFirstRequest: (socket) => this.#admission.markUsed(socket),
      handOver: (socket, bytes) => {
        for (const listener of listeners) listener.call(server, socket)
        socket.emit('data', bytes)
      },
    })
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => this.#admission.accept(socket))
    return lane
  }

  #createAdmission(limits: HttpServerLimits): ConnectionAdmission {
    const { isTrusted, tls, onRefusal, onInvalidProxyHeader } = this.#init
    return new ConnectionAdmission({
      connections: this.#connections,
      connectionsMax: limits.connectionsMax,
      connectionsPerSourceMax: limits.connectionsPerSourceMax,
      handshakeTimeoutMs: limits.headersTimeoutMs,
      isTrusted,
      tls,
      onRefusal,
      onOpen: (stream) => this.#lane.accept(stream),
      onInvalidProxyHeader,
    })
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    this.#admission.markUsed(request.socket)
    const download = this.#downloadHandler(request.url ?? '')
    if (download !== undefined) {
      this.#announces.download(request, response, download)
    } else if (request.method !== 'GET') {
      this.#announces.fail(response, new Refusal('TRK_METHOD_UNSUPPORTED'))
    } else if ((request.url?.length ?? 0) > REQUEST_TARGET_BYTES_MAX) {
      this.#announces.fail(
        response,
        new Refusal('TRK_REQUEST_TOO_LONG', `at most ${REQUEST_TARGET_BYTES_MAX} bytes`),
      )
    } else if (request.url?.startsWith('/announce?') === true) {
      // The routes lead to the same handler and cost 5 % of an announce (bench/http-announces.ts).
      this.#announces.announce(request, response)
    } else {
      this.#fastify.routing(request, response)
    }
  }

  #downloadHandler(target: string): DownloadHandler | undefined {
    if (target.startsWith('/torrents/')) return this.#init.torrents
    return target.startsWith('/webseed/') ? this.#init.webSeeds : undefined
  }

  #createRoutes(): FastifyInstance {
    const announces = this.#announces
    const routes = fastify({
      serverFactory: () => this.#server,
      exposeHeadRoutes: false,
      routerOptions: { maxParamLength: TOKEN_LENGTH_MAX, querystringParser: () => NO_QUERY, compile: true },
      // The ids are not used, and the default makes a string for each request.
      genReqId: () => '',
      // A draining node still answers on open connections.
      return503OnClosing: false,
      clientErrorHandler: (error, socket) => this.#answerUnreadable(error, socket),
      frameworkErrors: (error, _request, reply) => announces.fail(reply.raw, frameworkRefusal(error.code)),
    })
    // Each handler ends the response itself, so that Fastify sends nothing.
    routes.get('/announce', (request, reply) => announces.announce(request.raw, reply.raw))
    // Without `announce.tokenFile`, every token is accepted.
    routes.get('/announce/:token', (request, reply) => announces.announce(request.raw, reply.raw))
    routes.get('/scrape', (request, reply) => announces.scrape(request.raw, reply.raw))
    routes.get('/scrape/:token', (request, reply) => announces.scrape(request.raw, reply.raw))
    routes.setNotFoundHandler((_request, reply) => announces.fail(reply.raw, new Refusal('TRK_PATH_UNKNOWN')))
    routes.setErrorHandler((error, _request, reply) => announces.fail(reply.raw, error))
    return routes
  }

  /** Bytes that Node's parser could not parse, or did not receive in time. There is no request and no response object. */
  #answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' || !socket.writable) {
      socket.destroy()
      return
    }
    const refusal = new Refusal(
      error.code === 'HPE_HEADER_OVERFLOW' ? 'TRK_REQUEST_TOO_LONG' : 'TRK_REQUEST_MALFORMED',
    )
    this.#init.onRefusal(refusal.code)
    const body = writeFailure(refusal.message)
    const head =
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n' +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`
    socket.end(head + body, 'latin1')
    // A socket of Node stays half open until the client closes too, which this one may never do.
    socket.destroySoon()
  }
}

function frameworkRefusal(code: string): Refusal {
  return code === 'FST_ERR_MAX_PARAM_LENGTH'
    ? new Refusal('TRK_REQUEST_TOO_LONG', `a token has at most ${TOKEN_LENGTH_MAX} characters`)
    : new Refusal('TRK_REQUEST_MALFORMED', 'the path has a broken escape')
}
