/**
 * Access to the admin listener: from loopback only, or with a token.
 *
 * Threat: a caller can read which host downloads which torrent, and stop the node. Without a token, the listener answers
 * loopback only; with one, everything under /api requires it: `admin.readToken` for requests that change nothing,
 * `admin.token` for all. A page in the operator's browser reaches loopback too: it is rejected by its Origin, and by its
 * Host if the name of the page resolves to loopback. With a token, metrics and health are open to every caller, because
 * scrapers and load balancers send no token, and they contain nothing about single torrents or peers. The nodes of other
 * sites have a token of their own, which is valid under /federation only.
 */
import type { FastifyRequest } from 'fastify'
import { type Address, parseAddress } from '../../core/address.ts'
import { isSameToken, readBearerToken } from '../../core/bearer-token.ts'
import { ApiError } from './api-error.ts'
import type { WrongTokens } from './wrong-tokens.ts'

/** `operate` includes `read`. */
export type Role = 'read' | 'operate'

/** Both undefined: only requests from loopback are answered, all of them. */
export interface AdminTokens {
  readonly operate: string | undefined
  readonly read: string | undefined
}

/** The sender of a request, for the audit log. */
export interface Caller {
  /** Its token: the name, not the value. `loopback`: a listener without tokens. `none`: without a valid token. */
  readonly token: Role | 'loopback' | 'none'
  readonly from: string
}

export interface AccessInit {
  readonly tokens: AdminTokens
  /** True for a reverse proxy whose forwarding headers are used. */
  readonly isTrusted: (address: Address) => boolean
  readonly wrongTokens: WrongTokens
}

const READING_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

export class Access {
  readonly #tokens: AdminTokens
  readonly #isTrusted: AccessInit['isTrusted']
  readonly #wrongTokens: WrongTokens
  readonly #callers = new WeakMap<FastifyRequest, Caller>()

  constructor({ tokens, isTrusted, wrongTokens }: AccessInit) {
    this.#tokens = tokens
    this.#isTrusted = isTrusted
    this.#wrongTokens = wrongTokens
  }

  callerOf(request: FastifyRequest): Caller {
    const from = callerAddress(request, this.#isTrusted)
    return this.#callers.get(request) ?? { token: 'none', from: from?.toString() ?? '?' }
  }

  /** Rejects the request if its sender may not send it. */
  async check(request: FastifyRequest): Promise<void> {
    const hasToken = this.#tokens.operate !== undefined || this.#tokens.read !== undefined
    const remote = parseAddress(request.socket.remoteAddress ?? '')
    if (!hasToken && remote?.isLoopback !== true)
      throw new ApiError(403, 'loopback-only', 'without admin.token this listener answers loopback only')
    this.#checkOrigin(request, remote)
    if (!hasToken) {
      const { host } = request.headers
      if (host !== undefined && !isLocalHost(host))
        throw new ApiError(
          403,
          'foreign-host',
          'without admin.token, the host must be an address or localhost',
        )
      this.#callers.set(request, { token: 'loopback', from: remote?.toString() ?? '?' })
      return
    }
    // The route, not the request target: escaped and absolute targets lead to the same route.
    if (request.routeOptions.url?.startsWith('/api/') !== true) return
    await this.#checkToken(request)
  }

  async #checkToken(request: FastifyRequest): Promise<void> {
    const from = callerAddress(request, this.#isTrusted)
    const given = readBearerToken(request.headers.authorization)
    if (given === undefined || from === undefined) throw tokenWrong()
    this.#wrongTokens.refuseIfTooMany(from)
    const role = this.#roleOf(given)
    if (role === undefined) {
      await this.#wrongTokens.record(from)
      throw tokenWrong()
    }
    this.#callers.set(request, { token: role, from: from.toString() })
    if (role === 'read' && !READING_METHODS.includes(request.method))
      throw new ApiError(
        403,
        'role-insufficient',
        `admin.readToken may only read; ${request.method} requires admin.token`,
      )
  }

  /** Compares with both tokens each time, so that the time does not show which one is nearer. */
  #roleOf(given: string): Role | undefined {
    const { operate, read } = this.#tokens
    const isOperate = operate !== undefined && isSameToken(given, operate)
    const isRead = read !== undefined && isSameToken(given, read)
    return isOperate ? 'operate' : isRead ? 'read' : undefined
  }

  /**
   * A browser sends the origin of the page, and the page has to be from this listener: by the Host of the request, or
   * behind a trusted proxy by X-Forwarded-Host. A proxy may end TLS, so the scheme may be https.
   */
  #checkOrigin({ headers }: FastifyRequest, remote: Address | undefined): void {
    const { origin, host } = headers
    if (origin === undefined) return
    const forwarded = headers['x-forwarded-host']
    const isProxied = remote !== undefined && this.#isTrusted(remote)
    const hosts = [host, ...(isProxied && typeof forwarded === 'string' ? [forwarded] : [])]
    if (!hosts.some((own) => own !== undefined && isSameOrigin(origin, own)))
      throw new ApiError(403, 'foreign-origin', `requests of a page of ${origin.slice(0, 100)} are rejected`)
  }
}

/** Behind a trusted proxy, the address that this proxy appended to X-Forwarded-For. */
export function callerAddress(
  { socket, headers }: Pick<FastifyRequest, 'socket' | 'headers'>,
  isTrusted: AccessInit['isTrusted'],
): Address | undefined {
  const remote = parseAddress(socket.remoteAddress ?? '')
  const forwarded = headers['x-forwarded-for']
  if (remote === undefined || typeof forwarded !== 'string' || !isTrusted(remote)) return remote
  return parseAddress(forwarded.split(',').at(-1)?.trim() ?? '') ?? remote
}

function isSameOrigin(origin: string, host: string): boolean {
  const name = host.toLowerCase()
  return origin === `http://${name}` || origin === `https://${name}`
}

function tokenWrong(): ApiError {
  return new ApiError(401, 'token-wrong', 'send the admin token as "Authorization: Bearer <token>"')
}

/** `localhost` or an address, with or without a port. A page cannot make an address resolve to another one. */
function isLocalHost(host: string): boolean {
  const name = /^\[(.+)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '')
  return name.toLowerCase() === 'localhost' || parseAddress(name) !== undefined
}
