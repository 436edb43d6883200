/**
 * Tokens in announce URLs: `/announce/{token}`, and the same for scrapes. Each belongs to a site or a tenant.
 *
 * A name may have several tokens. The first one is written into torrents, the others are still accepted, so that a token
 * is replaced without a moment at which clients are rejected: add the new one first, remove the old one when the torrents
 * in use have the new one.
 *
 * Threat: an attacker who measures how long a comparison takes. Tokens are found by their hash, of which an attacker
 * cannot choose the bytes, and then compared in constant time. No token is logged or shown.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Refusal } from './errors.ts'

/** Each name with its tokens, the one for new torrents first. */
export type TokenTable = ReadonlyMap<string, readonly string[]>

/** Name of the tokens of clients whose site has none of its own. */
const DEFAULT_TOKENS = 'default'

export class AnnounceTokens {
  #table: TokenTable = new Map()
  #digests: ReadonlyMap<string, Buffer> = new Map()

  /** With an empty table, every announce URL is accepted. */
  replace(table: TokenTable): void {
    this.#table = table
    const digests = [...table.values()].flat().map(digestOf)
    this.#digests = new Map(digests.map((digest) => [digest.toString('latin1'), digest]))
  }

  /** `target`: path and query of a request. Throws a `Refusal` without a valid token. */
  check(target: string): void {
    if (this.#digests.size === 0) return
    const token = tokenIn(target)
    if (token === undefined)
      throw new Refusal('TRK_TOKEN_WRONG', 'it has none; get the torrent from this tracker again')
    const digest = digestOf(token)
    const known = this.#digests.get(digest.toString('latin1'))
    if (known === undefined || !timingSafeEqual(known, digest))
      throw new Refusal('TRK_TOKEN_WRONG', 'it was replaced; get the torrent from this tracker again')
  }

  /** The token in the torrents for clients of a site; undefined if they need none. */
  tokenFor(site: string): string | undefined {
    return (this.#table.get(site) ?? this.#table.get(DEFAULT_TOKENS))?.[0]
  }
}

function tokenIn(target: string): string | undefined {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  return /\/(?:announce|scrape)\/([^/]+)$/.exec(path)?.[1]
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
