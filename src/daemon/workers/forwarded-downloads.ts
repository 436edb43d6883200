/**
 * Downloads that a worker receives: torrents, and content of origins. The owner has the registered torrents and the
 * budgets of origins, so it answers them, over a socket file, and the worker passes the response on.
 *
 * The connection of a client whose response the owner aborts is closed: some clients only retry after that (see
 * `web-seed-handler.ts`).
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http'
import { pipeline } from 'node:stream'
import { type Address, parseAddress } from '../../core/address.ts'
import { assert } from '../../core/assert.ts'
import type { RefusalCode } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { DownloadHandler } from '../../server/http/announce-handler.ts'
import { sendDownloadFailure } from '../../server/http/download-failure.ts'
import { listenOnPath } from './listen-on-path.ts'

/** Header with the address of the client. One that a client sends itself is replaced. */
const CLIENT = 'siteswarm-client'

/** Of one connection (RFC 9110 §7.6.1), or of a body, which no download has. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
])

/** The longest header that a worker accepts, and the address. */
const HEADER_BYTES_MAX = 20_000

/** The worker's end. */
export class ForwardedDownloads implements DownloadHandler {
  readonly #path: string

  /** `path`: of the owner's socket. */
  constructor(path: string) {
    this.#path = path
  }

  handle(request: IncomingMessage, response: ServerResponse, from: Address): Promise<void> {
    return new Promise((resolve) => {
      const headers = { ...endToEnd(request.headers), [CLIENT]: from.toString() }
      delete headers['content-length']
      const { method, url } = request
      // A kept connection may be one to an owner that has exited.
      const forwarded = httpRequest({ socketPath: this.#path, agent: false, method, path: url, headers })
      forwarded.once('response', (answer) => {
        for (const [name, value] of Object.entries(endToEnd(answer.headers)))
          if (value !== undefined) response.setHeader(name, value)
        response.writeHead(answer.statusCode ?? 502)
        pipeline(answer, response, () => resolve())
      })
      forwarded.on('error', () => {
        response.destroy()
        resolve()
      })
      response.once('close', () => forwarded.destroy())
      forwarded.end()
    })
  }
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name)))
}

export interface DownloadSocketInit {
  readonly torrents: DownloadHandler
  readonly webSeeds: DownloadHandler
  readonly onRefusal: (code: RefusalCode) => void
  readonly log: Pick<Log, 'error'>
}

/** The owner's end. */
export class DownloadSocket {
  readonly #init: DownloadSocketInit
  readonly #server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, requireHostHeader: false },
    (request, response) => void this.#answer(request, response),
  )

  constructor(init: DownloadSocketInit) {
    this.#init = init
  }

  start(path: string): Promise<void> {
    return listenOnPath(this.#server, path)
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const from = parseAddress(String(request.headers[CLIENT]))
    assert(from !== undefined, 'a worker sends the address of its client')
    const { torrents, webSeeds } = this.#init
    const handler = request.url?.startsWith('/torrents/') === true ? torrents : webSeeds
    try {
      await handler.handle(request, response, from)
    } catch (error) {
      sendDownloadFailure(request, response, error, this.#init)
    }
  }
}
