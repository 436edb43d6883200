/**
 * Sends requests for the object behind an HTTP URL, through proxies and redirects.
 *
 * The URL may contain a user and a password. They are sent to the host of the URL only, and a label of the URL that
 * is safe for messages is all that leaves this file.
 */
import type { Dispatcher } from 'undici'
import { describeNetworkError } from '../core/network-errors.ts'
import { redactUrl, takeCredentials } from '../core/url-credentials.ts'
import type { ByteRange } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { describeProxy, openDispatcher } from './proxy-dispatcher.ts'
import { RedirectGuard, type RedirectRule } from './redirect-guard.ts'

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
  readonly #guard: RedirectGuard | undefined

  /** Throws an `OriginError` for an invalid URL or proxy. Without `redirects`, all are followed. */
  constructor(reference: string, environment: Environment, redirects?: RedirectRule) {
    this.#url = readUrl(reference)
    this.#authorization = takeCredentials(this.#url)
    this.label = redactUrl(this.#url.href)
    this.#environment = environment
    if (redirects !== undefined) this.#guard = new RedirectGuard(redirects, this.#url, this.label)
    this.#agent = openDispatcher(environment, CONNECTIONS_MAX, this.#guard?.lookup)
  }

  /** Requests a range, or everything. Rejects with an `OriginError` if there is no response. */
  async send(
    range: ByteRange | undefined,
    precondition: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    try {
      let url = this.#url
      for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
        const { statusCode, headers, body } = await this.#request(url, range, precondition, signal)
        const next = REDIRECT_STATUSES.includes(statusCode)
          ? this.#targetOf(url, headers['location'])
          : undefined
        if (next === undefined) {
          const last = redactUrl(url.href)
          const label = redirects === 0 ? this.label : `${this.label} (redirected to ${last})`
          return { statusCode, headers, body, url: last, label }
        }
        await body.dump()
        url = next
      }
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof OriginError ? error : this.#explain(error as Error)
    }
    throw tooManyRedirects(this.label)
  }

  #request(
    url: URL,
    range: ByteRange | undefined,
    precondition: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    // The credentials are for the host of the source only.
    const authorization = url.origin === this.#url.origin ? this.#authorization : undefined
    return this.#agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      signal,
      headersTimeout: HEADERS_DEADLINE_MS,
      headers: {
        'user-agent': 'siteswarm',
        // A content coding would change the bytes and the ranges.
        'accept-encoding': 'identity',
        ...(range === undefined ? {} : { range: `bytes=${range.startByte}-${range.endByte - 1}` }),
        ...(authorization === undefined ? {} : { authorization }),
        ...precondition,
      },
    })
  }

  /** undefined for a response without a target. */
  #targetOf(from: URL, location: string | string[] | undefined): URL | undefined {
    if (typeof location !== 'string') return undefined
    const target = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined
    if (target === undefined || !['http:', 'https:'].includes(target.protocol))
      throw new OriginError(
        'unusable',
        `${this.label}: the redirect target is not an http:// or https:// URL`,
      )
    this.#guard?.check(target)
    return target
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #explain(error: Error): OriginError {
    const { label } = this
    // undici reports proxies only in the message.
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

/** The ranges that are read ahead, plus concurrent requests of web seed clients. */
const CONNECTIONS_MAX = 32
/** Object stores that fetch from an archive or another region first respond slowly. */
const HEADERS_DEADLINE_MS = 30_000
/** Real chains have one or two redirects; the limit ends loops. */
const REDIRECTS_MAX = 5
export const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308]
