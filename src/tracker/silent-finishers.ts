/**
 * Clients that do not tell when they are complete. rtorrent 0.9.8 keeps its `completed` for the next announce, 300 s
 * or 600 s later, and hangs up on everybody when it finishes, so that its neighbours have nobody to fetch from and
 * the tracker knows of no source (observed; rakshasa/libtorrent#191). Each is asked, by the port `PeerInquiry`, and
 * what it answers is announced in its name.
 *
 * Asked often at first and then ever more rarely: it is known after a thirtieth of the time that it took.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import type { Clock } from '../core/clock.ts'

/** True or false as the client says; undefined where it could not be asked. Never rejects. */
export type PeerInquiry = (peer: {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
}) => Promise<boolean | undefined>

/** Sockets at the same time. In a large site one inquiry is due every few milliseconds. */
const INQUIRIES_MAX = 32
/** More are let be: they are found out when they announce. About 10 MB. */
const WATCHED_MAX = 20_000
const FIRST_AFTER_MS = 1_000
/** An inquiry is due when a client is older by this share than at the last one. */
const AGE_SHARE = 1 / 30
/** Whoever has not finished after a day, or is gone, announces at least that. */
const WATCHED_MS_MAX = 24 * 3_600_000

interface Watched {
  readonly request: AnnounceRequest
  readonly from: Address
  readonly sinceMs: number
  dueMs: number
}

export class SilentFinishers {
  readonly #inquire: PeerInquiry
  readonly #clock: Clock
  readonly #learn: (request: AnnounceRequest, from: Address) => void
  readonly #watched = new Map<string, Watched>()
  #inquiries = 0

  /** `learn` is called with what the client would have announced: `completed`, nothing left. */
  constructor(inquire: PeerInquiry, clock: Clock, learn: (request: AnnounceRequest, from: Address) => void) {
    this.#inquire = inquire
    this.#clock = clock
    this.#learn = learn
  }

  get size(): number {
    return this.#watched.size
  }

  /** From the moment at which the client was told whom to fetch from. */
  watch(request: AnnounceRequest, from: Address): void {
    const key = keyOf(request, from)
    if (this.#watched.has(key) || this.#watched.size >= WATCHED_MAX) return
    const sinceMs = this.#clock.nowMs()
    this.#watched.set(key, { request, from, sinceMs, dueMs: sinceMs + FIRST_AFTER_MS })
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
    const { request, from, sinceMs } = watched
    watched.dueMs = nowMs + Math.max(FIRST_AFTER_MS, (nowMs - sinceMs) * AGE_SHARE)
    this.#inquiries++
    const isComplete = await this.#inquire({ infoHash: request.infoHash, address: from, port: request.port })
    this.#inquiries--
    if (isComplete !== true || this.#watched.get(key) !== watched) return
    this.#watched.delete(key)
    const downloadedBytes = request.downloadedBytes + (request.leftBytes ?? 0)
    this.#learn({ ...request, event: 'completed', leftBytes: 0, downloadedBytes, peersWanted: 0 }, from)
  }
}

function keyOf({ infoHash, port }: AnnounceRequest, from: Address): string {
  return `${infoHash.toString('latin1')}${from.toString()}:${port}`
}
