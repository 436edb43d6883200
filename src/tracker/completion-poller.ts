/**
 * Clients that do not tell when they are complete. rtorrent 0.9.8 keeps its `completed` for the next announce, 300 s
 * or 600 s later, and hangs up on everybody when it finishes, so that its neighbours have nobody to fetch from and
 * the tracker knows of no source (observed; rakshasa/libtorrent#191). Each is asked, by the port `PeerProbe`, and
 * what it answers is announced in its name: that it has begun, each further tenth, and that it is complete.
 *
 * Asked often at first and then ever more rarely, until the end is near: it is known after a thirtieth of the time
 * that it took at most.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import type { Clock } from '../core/clock.ts'

/** The share of its pieces that the client says to have, 1 all; undefined where it could not be asked. Never rejects. */
export type PeerProbe = (peer: {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
}) => Promise<number | undefined>

/** Sockets at the same time. In a large site one inquiry is due every few milliseconds. */
const INQUIRIES_MAX = 32
/** More are let be: they are found out when they announce. About 10 MB. */
const WATCHED_MAX = 20_000
const FIRST_AFTER_MS = 1_000
/** An inquiry is due when a client is older by this share than at the last one. */
const AGE_SHARE = 1 / 30
/** And when half of the time that it still needs has passed, but no sooner than somebody looks. */
const PAUSE_MS_MIN = 500
/** With less, it has hardly anything to give. */
const BEGUN_SHARE = 0.02
/** Steps in which its progress is announced: the other nodes are told of each. */
const STEP_SHARE = 0.1
/** Whoever has not finished after a day, or is gone, announces at least that. */
const WATCHED_MS_MAX = 24 * 3_600_000

interface Watched {
  readonly request: AnnounceRequest
  readonly from: Address
  sinceMs: number
  dueMs: number
  /** What it said last. */
  share: number
  /** What is announced next. */
  nextShare: number
}

export class CompletionPoller {
  readonly #inquire: PeerProbe
  readonly #clock: Clock
  readonly #learn: (request: AnnounceRequest, from: Address) => void
  readonly #watched = new Map<string, Watched>()
  #inquiries = 0

  /** `learn` is called with what the client would have announced: what is left, and once nothing is, `completed`. */
  constructor(inquire: PeerProbe, clock: Clock, learn: (request: AnnounceRequest, from: Address) => void) {
    this.#inquire = inquire
    this.#clock = clock
    this.#learn = learn
  }

  get size(): number {
    return this.#watched.size
  }

  /** From the moment at which the client is told whom to fetch from, by what it is answered. */
  watch(request: AnnounceRequest, from: Address, answer?: unknown): void {
    if (request.leftBytes === 0) return this.forget(request, from)
    const key = keyOf(request, from)
    if (this.#watched.has(key) || this.#watched.size >= WATCHED_MAX) return
    const watched = { request, from, sinceMs: 0, dueMs: Infinity, share: 0, nextShare: BEGUN_SHARE }
    this.#watched.set(key, watched)
    const begin = () => {
      watched.sinceMs = this.#clock.nowMs()
      watched.dueMs = watched.sinceMs + FIRST_AFTER_MS
    }
    if (!(answer instanceof Promise)) return begin()
    answer.then(begin, () => {
      if (this.#watched.get(key) === watched) this.#watched.delete(key)
    })
  }

  /** It announced that it is complete, or gone. */
  forget(request: AnnounceRequest, from: Address): void {
    this.#watched.delete(keyOf(request, from))
  }

  /** Asks who is due, as far as there is room. Called about twice a second. */
  tick(): void {
    const nowMs = this.#clock.nowMs()
    for (const [key, watched] of this.#watched) {
      if (this.#inquiries >= INQUIRIES_MAX) return
      if (watched.dueMs > nowMs) continue
      if (nowMs - watched.sinceMs > WATCHED_MS_MAX) this.#watched.delete(key)
      else void this.#ask(key, watched, nowMs)
    }
  }

  async #ask(key: string, watched: Watched, nowMs: number): Promise<void> {
    const { request, from } = watched
    watched.dueMs = nowMs + pauseMs(watched, nowMs)
    this.#inquiries++
    const share = await this.#inquire({ infoHash: request.infoHash, address: from, port: request.port })
    this.#inquiries--
    if (share === undefined || this.#watched.get(key) !== watched) return
    watched.share = share
    watched.dueMs = nowMs + pauseMs(watched, nowMs)
    if (share === 1) this.#watched.delete(key)
    else if (share < watched.nextShare) return
    watched.nextShare = (Math.floor(share / STEP_SHARE) + 1) * STEP_SHARE
    const gotBytes = Math.floor((request.leftBytes ?? 0) * share)
    this.#learn(
      {
        ...request,
        event: share === 1 ? 'completed' : 'none',
        leftBytes:
          request.leftBytes === undefined && share < 1 ? undefined : (request.leftBytes ?? 0) - gotBytes,
        downloadedBytes: request.downloadedBytes + gotBytes,
        peersWanted: 0,
      },
      from,
    )
  }
}

function pauseMs({ sinceMs, share }: Watched, nowMs: number): number {
  const ageMs = nowMs - sinceMs
  if (share === 0) return Math.max(FIRST_AFTER_MS, ageMs * AGE_SHARE)
  const neededMs = (ageMs * (1 - share)) / share
  return Math.max(PAUSE_MS_MIN, Math.min(ageMs * AGE_SHARE, neededMs / 2))
}

function keyOf({ infoHash, port }: AnnounceRequest, from: Address): string {
  return `${infoHash.toString('latin1')}${from.toString()}:${port}`
}
