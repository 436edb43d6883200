/**
 * Polls clients that report their completion late. rtorrent 0.9.8 keeps its `completed` for the next announce, 300 s or
 * 600 s later, and disconnects all neighbours when it finishes, so that they have no source and the tracker does not
 * have one either (observed; rakshasa/libtorrent#191). Each such client is probed through `PeerProbe`, and the result is
 * recorded as an announce in its name: at the first pieces, at each further tenth, and at completion.
 *
 * Polls are frequent at first and then ever rarer, until the end is near: completion is detected after a thirtieth of the
 * download time at most.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import type { Clock } from '../core/clock.ts'

/** The share of the pieces that the client has, 0 to 1; undefined where it could not be reached. Never rejects. */
export type PeerProbe = (peer: {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
}) => Promise<number | undefined>

/** Sockets at the same time. In a large site a probe is due every few milliseconds. */
const PROBES_MAX = 32
/** Beyond this, peers are not polled; their next announce reports completion. About 10 MB. */
const TRACKED_MAX = 20_000
const FIRST_AFTER_MS = 1_000
/** A probe is due when a client is older by this share than at the last one. */
const AGE_SHARE = 1 / 30
/** And when half of the time that it still needs has passed, but not before the next tick. */
const PAUSE_MS_MIN = 500
/** With less, it has hardly any piece to give. */
const BEGUN_SHARE = 0.02
/** Steps in which its progress is recorded: each is replicated to the other nodes. */
const STEP_SHARE = 0.1
/** After a day, the client's own announces are enough. */
const TRACKED_MS_MAX = 24 * 3_600_000

interface Tracked {
  readonly request: AnnounceRequest
  readonly from: Address
  sinceMs: number
  dueMs: number
  /** At the last probe. */
  share: number
  /** Recorded next at this share. */
  nextShare: number
}

export class CompletionPoller {
  readonly #probe: PeerProbe
  readonly #clock: Clock
  readonly #recordObserved: (request: AnnounceRequest, from: Address) => void
  readonly #tracked = new Map<string, Tracked>()
  #probes = 0

  /** `recordObserved` is called with the announce that the client would have sent: the bytes left, and at 0 the event `completed`. */
  constructor(
    probe: PeerProbe,
    clock: Clock,
    recordObserved: (request: AnnounceRequest, from: Address) => void,
  ) {
    this.#probe = probe
    this.#clock = clock
    this.#recordObserved = recordObserved
  }

  get size(): number {
    return this.#tracked.size
  }

  /** Starts when the client gets its response, and with it its peers. */
  track(request: AnnounceRequest, from: Address, answer?: unknown): void {
    if (request.leftBytes === 0) return this.forget(request, from)
    const key = keyOf(request, from)
    if (this.#tracked.has(key) || this.#tracked.size >= TRACKED_MAX) return
    const tracked = { request, from, sinceMs: 0, dueMs: Infinity, share: 0, nextShare: BEGUN_SHARE }
    this.#tracked.set(key, tracked)
    const begin = () => {
      tracked.sinceMs = this.#clock.nowMs()
      tracked.dueMs = tracked.sinceMs + FIRST_AFTER_MS
    }
    if (!(answer instanceof Promise)) return begin()
    answer.then(begin, () => {
      if (this.#tracked.get(key) === tracked) this.#tracked.delete(key)
    })
  }

  /** The client announced that it is complete, or stopped. */
  forget(request: AnnounceRequest, from: Address): void {
    this.#tracked.delete(keyOf(request, from))
  }

  /** Probes the clients that are due, within `PROBES_MAX`. Called about twice a second. */
  tick(): void {
    const nowMs = this.#clock.nowMs()
    for (const [key, tracked] of this.#tracked) {
      if (this.#probes >= PROBES_MAX) return
      if (tracked.dueMs > nowMs) continue
      if (nowMs - tracked.sinceMs > TRACKED_MS_MAX) this.#tracked.delete(key)
      else void this.#ask(key, tracked, nowMs)
    }
  }

  async #ask(key: string, tracked: Tracked, nowMs: number): Promise<void> {
    const { request, from } = tracked
    tracked.dueMs = nowMs + pauseMs(tracked, nowMs)
    this.#probes++
    const share = await this.#probe({ infoHash: request.infoHash, address: from, port: request.port })
    this.#probes--
    if (share === undefined || this.#tracked.get(key) !== tracked) return
    tracked.share = share
    tracked.dueMs = nowMs + pauseMs(tracked, nowMs)
    if (share === 1) this.#tracked.delete(key)
    else if (share < tracked.nextShare) return
    tracked.nextShare = (Math.floor(share / STEP_SHARE) + 1) * STEP_SHARE
    const gotBytes = Math.floor((request.leftBytes ?? 0) * share)
    this.#recordObserved(
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

function pauseMs({ sinceMs, share }: Tracked, nowMs: number): number {
  const ageMs = nowMs - sinceMs
  if (share === 0) return Math.max(FIRST_AFTER_MS, ageMs * AGE_SHARE)
  const neededMs = (ageMs * (1 - share)) / share
  return Math.max(PAUSE_MS_MIN, Math.min(ageMs * AGE_SHARE, neededMs / 2))
}

function keyOf({ infoHash, port }: AnnounceRequest, from: Address): string {
  return `${infoHash.toString('latin1')}${from.toString()}:${port}`
}
