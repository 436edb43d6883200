/**
 * Requests for blocks that may not exist, of a torrent that is not registered: its piece size is not known.
 *
 * Threat: one host requests a block that does not exist, again after each reconnection. The node would pass the request to
 * each holder in turn, and most clients close the connection of a peer that asks for such a block, or never answer, so that
 * the request takes a place among those that the holder gets at the same time.
 *
 * A block is proven if a holder has sent one that ends there or later, in any piece; in the last piece, which is smaller,
 * in that piece. A holder that closes its connection, sends nothing, or sends later blocks and not this one, fails an unproven
 * block. The failure counts for the hosts that requested the block which lies farthest behind the proven ones: of all requested
 * blocks, it is the least likely to exist. After two failures, unproven requests of the host are rejected for a time that
 * doubles. An honest host waits that long at most, and only until another host has proven the block.
 */
import { BLOCK_BYTES_MAX } from '../core/limits.ts'
import type { Block } from '../wire/peer/block.ts'

/** A holder may close its connection for another reason, at the same moment. */
const FAILURES_MAX = 2
/** Longer than a client that is rejected takes to reconnect, and shorter than a client waits for a block (60 s). */
const REJECTED_MS_MIN = 10_000
/** The host then costs a holder one connection in this time. */
const REJECTED_MS_MAX = 600_000
/** The host that failed last is remembered; more of them are one site full of hostile hosts. */
const HOSTS_MAX = 1_024

/** The part of a fetch that counts here. */
export interface Unproven {
  readonly block: Block
  readonly waiting: readonly unknown[]
  /** Hosts that requested the block, also those that left. */
  readonly hosts: ReadonlySet<string>
  failures: number
}

export class UnprovenBlocks {
  /** Zero where their number is not known. */
  pieces = 0
  readonly #nowMs: () => number
  readonly #onRejected: (provenEnd: number) => void
  /** Smaller pieces than one block are rare, and a client that has one block requests it whole. */
  #provenEnd = BLOCK_BYTES_MAX
  #provenEndOfLast = 0
  /** A holder has sent a block. */
  #hasProof = false
  readonly #hosts = new Map<string, { failures: number; untilMs: number }>()

  /** `onRejected`: a host requested blocks beyond this end of a piece, and none is known to exist there. */
  constructor(nowMs: () => number, onRejected: (provenEnd: number) => void) {
    this.#nowMs = nowMs
    this.#onRejected = onRejected
  }

  /** A holder has sent the block. */
  sent({ piece, begin, length }: Block): void {
    if (!this.#hasProof) this.#forgive()
    if (piece === this.pieces - 1) this.#provenEndOfLast = Math.max(this.#provenEndOfLast, begin + length)
    else this.#provenEnd = Math.max(this.#provenEnd, begin + length)
  }

  /** `host`: the client that requests the block; undefined for the carrier of another site, which has rules of its own. */
  mayRequest(host: string | undefined, block: Block): boolean {
    return host === undefined || this.isProven(block) || !this.#isRejected(host)
  }

  isProven(block: Block): boolean {
    return this.#distance(block) <= 0
  }

  /** A holder did not send these blocks. */
  failed(fetches: Iterable<Unproven>): void {
    let farthest: Unproven | undefined
    for (const fetch of fetches) {
      const distance = this.#distance(fetch.block)
      if (distance > 0 && distance > (farthest === undefined ? 0 : this.#distance(farthest.block)))
        farthest = fetch
    }
    if (farthest === undefined) return
    farthest.failures++
    for (const host of farthest.hosts) this.#count(host)
  }

  /** Whether a holder may be asked for the block again. */
  mayFetch({ block, waiting, hosts, failures }: Unproven): boolean {
    if (this.isProven(block)) return true
    if (failures >= FAILURES_MAX || waiting.length === 0) return false
    return hosts.size === 0 || [...hosts].some((host) => !this.#isRejected(host))
  }

  #count(host: string): void {
    const failures = (this.#hosts.get(host)?.failures ?? 0) + 1
    const rejectedMs = REJECTED_MS_MIN * 2 ** (failures - FAILURES_MAX)
    const untilMs = this.#nowMs() + Math.min(REJECTED_MS_MAX, rejectedMs)
    this.#hosts.delete(host)
    this.#hosts.set(host, { failures, untilMs })
    const [oldest] = this.#hosts.keys()
    if (this.#hosts.size > HOSTS_MAX && oldest !== undefined) this.#hosts.delete(oldest)
    if (failures >= FAILURES_MAX) this.#onRejected(this.#provenEnd)
  }

  /** Until a holder has sent a first block, the failures may be those of holders that send nothing. */
  #forgive(): void {
    this.#hasProof = true
    for (const host of this.#hosts.keys()) this.#hosts.set(host, { failures: FAILURES_MAX - 1, untilMs: 0 })
  }

  #isRejected(host: string): boolean {
    const known = this.#hosts.get(host)
    return known !== undefined && known.failures >= FAILURES_MAX && this.#nowMs() < known.untilMs
  }

  /** Bytes behind the proven ones. */
  #distance({ piece, begin, length }: Block): number {
    return begin + length - (piece === this.pieces - 1 ? this.#provenEndOfLast : this.#provenEnd)
  }
}
