/**
 * The tracker's HTTP listener: connections, their limits, and the way from a request to its answer.
 *
 * Clients understand bencode and nothing else, so every way on which a request can fail ends in a bencoded failure
 * or a closed connection: Fastify's own errors, its router's, Node's parser's, and ours. A request that is no GET
 * never reaches the routes: a HEAD that runs the handler of the GET registers a peer for every health check.
 *
 * Slow and silent clients get no answer, their connection is closed: they would not read it, and a closed
 * connection is the quickest way to make a client try the next tracker.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type FastifyInstance, fastify } from 'fastify'
import { assert } from '../../core/assert.ts'
import { Refusal } from '../../core/errors.ts'
import { REQUEST_TARGET_BYTES_MAX } from '../../core/limits.ts'
import { writeFailure } from '../../wire/http/failure.ts'
import { IdleConnections } from './idle-connections.ts'
import { AnnounceHandler, type AnnounceHandlerInit, type DownloadHandler } from './announce-handler.ts'

export interface HttpServerLimits {
  /** More connections than this are closed as they come in. */
  readonly connectionsMax: number
  /** From the connection, or the end of the request before, to the last header. */
  readonly headersTimeoutMs: number
  /** The same to the end of the request, with a body that nobody asked for. */
  readonly requestTimeoutMs: number
  /** How often the two above are looked at. */
  readonly timeoutCheckMs: number
  /** How long nothing may happen on a connection: no next request, no answer read. */
  readonly silentTimeoutMs: number
}

export const httpServerLimits: HttpServerLimits = {
  /** 5,000 announces a second, each on a connection that lives a second, and as many kept ones; about 150 MB. */
  connectionsMax: 10_000,
  /** A request is one packet or two. Clients on the worst of links have sent theirs after three retransmissions. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  /** A slow sender is gone after 12 s at the latest; Node's own 30 s would make the limits above pointless. */
  timeoutCheckMs: 2_000,
  /** Longer than nginx and the load balancers of the clouds keep theirs (60 s), so that they never reuse a
   * connection that we are closing; Transmission and aria2 need only more than 5 s. */
  silentTimeoutMs: 75_000,
}

export interface HttpServerInit extends AnnounceHandlerInit {
  /** Without them, `/torrents/` and `/webseed/` are unknown paths. */
  readonly torrents?: DownloadHandler
  readonly webSeeds?: DownloadHandler
}

/** 64 bytes in hexadecimal: longer tokens are no safer. */
const TOKEN_LENGTH_MAX = 128

/** Node's default, written down because REQUEST_TARGET_BYTES_MAX relies on it. */
const HEADER_BYTES_MAX = 16_384

assert(REQUEST_TARGET_BYTES_MAX < HEADER_BYTES_MAX, 'the longest target must fit into the header')

const NO_QUERY = Object.freeze({})

export class HttpServer {
  readonly #options: HttpServerInit
  readonly #answers: AnnounceHandler
  readonly #server: Server
  readonly #fastify: FastifyInstance
  readonly #connections = new IdleConnections()
  readonly #limits: HttpServerLimits
  #isDraining = false

  constructor(options: HttpServerInit, limits: HttpServerLimits = httpServerLimits) {
    this.#options = options
    this.#limits = limits
    // Idle connections make room before new ones are turned away.
    this.#answers = new AnnounceHandler(
      options,
      () => !this.#isDraining && this.#connections.count < limits.connectionsMax / 2,
    )
    this.#server = this.#createServer(limits)
    this.#fastify = this.#createRoutes()
  }

  /** Returns the port, which is the system's choice for port 0. Rejects where the address cannot be had. */
  async start(at: { readonly host: string; readonly port: number }): Promise<number> {
    await this.#fastify.ready()
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: at.host, port: at.port }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    // From here on this is an accept() that failed, for want of file descriptors mostly. The next may succeed.
    this.#server.on('error', (error) => {
      this.#options.log.error({ event: 'accept-failed', err: error }, 'a connection could not be accepted')
    })
    this.#connections.startClosingSilent(this.#limits.silentTimeoutMs)
    return (this.#server.address() as AddressInfo).port
  }

  /** Open connections, idle ones included. */
  get connections(): number {
    return this.#connections.count
  }

  /**
   * Keeps answering, and each answer ends its connection. One that waits for its next request is left to wait:
   * closing it could cross that request on the way, which its client would see as an error.
   */
  drain(): void {
    this.#isDraining = true
  }

  /**
   * Closes the listener and the connections on which nothing has begun, lets requests finish that have, and cuts
   * them off at the deadline.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.drain()
    const deadline = setTimeout(() => this.#server.closeAllConnections(), deadlineMs)
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    clearTimeout(deadline)
    this.#connections.stopClosingSilent()
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
        // We derive nothing from Host, and libtorrent sends one that is invalid for IPv6 literals.
        requireHostHeader: false,
      },
      (request, response) => this.#receive(request, response),
    )
    server.maxConnections = limits.connectionsMax
    server.on('connection', (socket: Socket) => this.#connections.add(socket))
    server.on('drop', () => this.#options.onRefusal('TRK_OVERLOADED'))
    // Without these two, Node answers `Expect` itself: with a 100 that nobody waits for, or with a 417.
    server.on('checkContinue', (request, response) => this.#receive(request, response))
    server.on('checkExpectation', (request, response) => this.#receive(request, response))
    return server
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const download = this.#downloadHandler(request.url ?? '')
    if (download !== undefined) {
      this.#answers.download(request, response, download)
    } else if (request.method !== 'GET') {
      this.#answers.fail(response, new Refusal('TRK_METHOD_UNSUPPORTED'))
    } else if ((request.url?.length ?? 0) > REQUEST_TARGET_BYTES_MAX) {
      this.#answers.fail(
        response,
        new Refusal('TRK_REQUEST_TOO_LONG', `at most ${REQUEST_TARGET_BYTES_MAX} bytes`),
      )
    } else if (request.url?.startsWith('/announce?') === true) {
      // What nearly every request is. The routes come to the same, 5 % of an announce later (bench/http-announces.ts).
      this.#answers.announce(request, response)
    } else {
      this.#fastify.routing(request, response)
    }
  }

  #downloadHandler(target: string): DownloadHandler | undefined {
    if (target.startsWith('/torrents/')) return this.#options.torrents
    return target.startsWith('/webseed/') ? this.#options.webSeeds : undefined
  }

  #createRoutes(): FastifyInstance {
    const answers = this.#answers
    const routes = fastify({
      serverFactory: () => this.#server,
      exposeHeadRoutes: false,
      routerOptions: { maxParamLength: TOKEN_LENGTH_MAX, querystringParser: () => NO_QUERY, compile: true },
      // Nobody reads the ids, and counting them up makes a string per request.
      genReqId: () => '',
      // Whoever is on a connection while the node goes away is answered like everybody else.
      return503OnClosing: false,
      clientErrorHandler: (error, socket) => this.#answerUnreadable(error, socket),
      frameworkErrors: (error, _request, reply) => answers.fail(reply.raw, frameworkRefusal(error.code)),
    })
    // Each of these has ended the response when it returns, which is all that Fastify wants to know.
    routes.get('/announce', (request, reply) => answers.announce(request.raw, reply.raw))
    // The token is the operator's way to tell its own clients apart; none are configured, so each is right.
    routes.get('/announce/:token', (request, reply) => answers.announce(request.raw, reply.raw))
    routes.get('/scrape', (request, reply) => answers.scrape(request.raw, reply.raw))
    routes.get('/scrape/:token', (request, reply) => answers.scrape(request.raw, reply.raw))
    routes.setNotFoundHandler((_request, reply) => answers.fail(reply.raw, new Refusal('TRK_PATH_UNKNOWN')))
    routes.setErrorHandler((error, _request, reply) => answers.fail(reply.raw, error))
    return routes
  }

  /** What Node's parser could not read, or did not get in time. There is no request and no response, only bytes. */
  #answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' || !socket.writable) {
      socket.destroy()
      return
    }
    const refusal = new Refusal(
      error.code === 'HPE_HEADER_OVERFLOW' ? 'TRK_REQUEST_TOO_LONG' : 'TRK_REQUEST_MALFORMED',
    )
    this.#options.onRefusal(refusal.code)
    const body = writeFailure(refusal.message)
    const head =
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n' +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`
    socket.end(head + body, 'latin1')
    // Node's sockets stay half open until the client closes too, and this one may never.
    socket.destroySoon()
  }
}

function frameworkRefusal(code: string): Refusal {
  return code === 'FST_ERR_MAX_PARAM_LENGTH'
    ? new Refusal('TRK_REQUEST_TOO_LONG', `a token has at most ${TOKEN_LENGTH_MAX} characters`)
    : new Refusal('TRK_REQUEST_MALFORMED', 'the path has a broken escape')
}
