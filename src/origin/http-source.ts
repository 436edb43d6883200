/**
 * Sends requests for the object behind an HTTP URL, through proxies and redirects.
 *
 * The URL may contain a user and a password. They are sent to the host of the URL only, and a label of the URL that
 * is safe for messages is all that leaves this file.
 */
import { type Dispatcher, interceptors } from 'undici'
import { describeNetworkError } from '../core/network-errors.ts'
import { redactUrl, takeCredentials } from '../core/url-credentials.ts'
import type { ByteRange } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { describeProxy, openDispatcher } from './proxy-dispatcher.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface HttpResponse {
  readonly statusCode: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly body: Dispatcher.ResponseData['body']
  /** URL of the response after redirects, without user and query. */
  readonly url: string
  /** Label of the source, with the redirect target if there is one. */
  readonly label: string
}

export class HttpSource {
  /** The URL without user, password and query. */
  readonly label: string
  readonly #url: URL
  readonly #authorization: string | undefined
  readonly #environment: Environment
  readonly #agent: Dispatcher
  readonly #redirecting: Dispatcher

  /** Throws an `OriginError` for an invalid URL or proxy. */
  constructor(reference: string, environment: Environment) {
    this.#url = readUrl(reference)
    this.#authorization = takeCredentials(this.#url)
    this.label = redactUrl(this.#url.href)
    this.#environment = environment
    this.#agent = openDispatcher(environment, CONNECTIONS_MAX)
    // The interceptor drops the credentials when a redirect leads to another host.
    this.#redirecting = this.#agent.compose(interceptors.redirect({ maxRedirections: REDIRECTS_MAX }))
  }

  /** Requests a range, or everything. Rejects with an `OriginError` if there is no response. */
  async send(
    range: ByteRange | undefined,
    precondition: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { origin, pathname, search } = this.#url
    try {
      const { statusCode, headers, body, context } = await this.#redirecting.request({
        origin,
        path: pathname + search,
        method: 'GET',
        signal,
        headersTimeout: HEADERS_DEADLINE_MS,
        headers: {
          'user-agent': 'siteswarm',
          // A content coding would change the bytes and the ranges.
          'accept-encoding': 'identity',
          ...(range === undefined ? {} : { range: `bytes=${range.startByte}-${range.endByte - 1}` }),
          ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
          ...precondition,
        },
      })
      const url = lastUrl(context) ?? this.label
      const label = url === this.label ? url : `${this.label} (redirected to ${url})`
      return { statusCode, headers, body, url, label }
    } catch (error) {
      signal.throwIfAborted()
      throw this.#explain(error as Error)
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #explain(error: Error): OriginError {
    const { label } = this
    // undici reports redirects and proxies only in the message.
    if (/redirect loop/i.test(error.message)) return tooManyRedirects(label)
    if (/invalid (?:url|protocol)/i.test(error.message))
      return new OriginError('unusable', `${label}: the redirect target is not an http:// or https:// URL`)
    const proxyStatus = /proxy response \((\d+)\)|proxy authentication required \((\d+)\)/i.exec(
      error.message,
    )
    if (proxyStatus !== null) return this.#refusedByProxy(Number(proxyStatus[1] ?? proxyStatus[2]))
    const proxy = describeProxy(this.#url.protocol, this.#environment)
    return new OriginError(
      'unreachable',
      `${label}: ${describeNetworkError(error, this.#environment)}${proxy}`,
    )
  }

  #refusedByProxy(statusCode: number): OriginError {
    const proxy = describeProxy(this.#url.protocol, this.#environment)
    const hint =
      statusCode === 407
        ? 'it requires a user and password: http://user:password@host:port'
        : 'check its rules, or list the host in no_proxy'
    return new OriginError('forbidden', `${this.label}: the proxy responded ${statusCode}; ${hint}${proxy}`)
  }
}

export function tooManyRedirects(label: string): OriginError {
  return new OriginError(
    'unusable',
    `${label}: redirect loop, or more than ${REDIRECTS_MAX} redirects; check the URL`,
  )
}

function readUrl(reference: string): URL {
  // The message does not repeat the URL: it may contain a password.
  if (!URL.canParse(reference))
    throw new OriginError('unusable', 'the URL of the source is not valid; check its spelling')
  return new URL(reference)
}

function lastUrl(context: unknown): string | undefined {
  const { history } = (context ?? {}) as { readonly history?: readonly URL[] }
  const last = history?.at(-1)
  return last === undefined ? undefined : redactUrl(last.href)
}

/** The ranges that are read ahead, plus concurrent requests of web seed clients. */
const CONNECTIONS_MAX = 32
/** Object stores that fetch from an archive or another region first respond slowly. */
const HEADERS_DEADLINE_MS = 30_000
/** Real chains have one or two redirects; the limit ends loops. */
const REDIRECTS_MAX = 5
