/**
 * Slows the guessing of tokens, and reports it.
 *
 * Threat: a caller who tries tokens one after the other, on many connections at once. The response to a wrong token is
 * delayed, twice as long each time, up to `DELAY_MS_MAX`; only a few wrong tokens of one source wait at a time, and more
 * requests with a token are rejected before the token is compared. A source therefore tries fewer than two tokens a
 * second. Requests with a valid token are not delayed.
 *
 * A source is an IPv4 address, or the /64 of an IPv6 address: one host can have all addresses of a /64.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../core/address.ts'
import { elapsedMs } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { ApiError } from './api-error.ts'
import { sourceOfAddress } from '../../core/source.ts'

const DELAY_MS_MIN = 100
const DELAY_MS_MAX = 5_000
/** Wrong tokens of one source that wait at a time. */
const WAITING_MAX = 8
/** A source without a wrong token for this long starts again. */
const FORGET_AFTER_MS = 900_000
/** About a megabyte. The source with the oldest wrong token is dropped first. */
const SOURCES_MAX = 10_000
/** A log line of one source is followed by the next one after this time, with the number of wrong tokens. */
const LOG_INTERVAL_MS = 60_000

interface Source {
  count: number
  waiting: number
  lastMs: number
  loggedMs: number | undefined
}

export interface WrongTokensInit {
  readonly log: Log
  readonly elapsedMs?: () => number
  readonly sleep?: (delayMs: number) => Promise<unknown>
}

export class WrongTokens {
  readonly #log: Log
  readonly #elapsedMs: () => number
  readonly #sleep: (delayMs: number) => Promise<unknown>
  readonly #sources = new Map<string, Source>()
  #total = 0

  constructor(init: WrongTokensInit) {
    this.#log = init.log
    this.#elapsedMs = init.elapsedMs ?? elapsedMs
    this.#sleep = init.sleep ?? ((delayMs) => sleep(delayMs))
  }

  /** Wrong tokens so far. */
  get total(): number {
    return this.#total
  }

  /** Rejects a request with a token before the comparison, while too many wrong ones of its source wait. */
  refuseIfTooMany(from: Address): void {
    if ((this.#sources.get(sourceOfAddress(from))?.waiting ?? 0) < WAITING_MAX) return
    throw new ApiError(
      429,
      'too-many-wrong-tokens',
      'too many wrong tokens from this address; wait, and check the token',
      DELAY_MS_MAX / 1_000,
    )
  }

  /** Resolves after the delay of a wrong token. */
  async record(from: Address): Promise<void> {
    const nowMs = this.#elapsedMs()
    const source = this.#source(sourceOfAddress(from), nowMs)
    this.#total++
    source.count++
    source.lastMs = nowMs
    if (source.loggedMs === undefined || nowMs - source.loggedMs >= LOG_INTERVAL_MS) {
      source.loggedMs = nowMs
      this.#log.warn(
        { event: 'admin-token-wrong', from: from.toString(), count: source.count },
        'the admin listener rejected a wrong token',
      )
    }
    source.waiting++
    await this.#sleep(Math.min(DELAY_MS_MIN * 2 ** (source.count - 1), DELAY_MS_MAX))
    source.waiting--
  }

  #source(key: string, nowMs: number): Source {
    const known = this.#sources.get(key)
    this.#sources.delete(key)
    const isRecent = known !== undefined && nowMs - known.lastMs < FORGET_AFTER_MS
    const source = isRecent
      ? known
      : { count: 0, waiting: known?.waiting ?? 0, lastMs: nowMs, loggedMs: undefined }
    // A Map keeps the order of insertion: the first source has the oldest wrong token.
    this.#sources.set(key, source)
    if (this.#sources.size > SOURCES_MAX)
      for (const oldest of this.#sources.keys()) {
        this.#sources.delete(oldest)
        break
      }
    return source
  }
}
