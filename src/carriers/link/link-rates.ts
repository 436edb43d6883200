/**
 * Rates of the links between sites, in bytes of blocks per second and direction. All connections of this process between
 * two sites share the rate, those between two carriers of the process included.
 */
import { TokenBucket } from '../../observers/token-bucket.ts'

/** A rate may be exceeded by this many seconds of it at once. */
const BURST_SECONDS = 0.25

export class LinkRates {
  readonly #nowMs: () => number
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Undefined: as fast as the connections allow. Zero: nothing. */
  set(from: string, to: string, bytesPerSecond: number | undefined): void {
    const key = keyOf(from, to)
    if (bytesPerSecond === undefined) this.#buckets.delete(key)
    else
      this.#buckets.set(
        key,
        new TokenBucket({
          perSecond: bytesPerSecond,
          burst: bytesPerSecond * BURST_SECONDS,
          nowMs: this.#nowMs(),
        }),
      )
  }

  get(from: string, to: string): TokenBucket | undefined {
    return this.#buckets.get(keyOf(from, to))
  }

  /** A block may be sent now. */
  isOpen(from: string, to: string): boolean {
    const bucket = this.get(from, to)
    return bucket === undefined || bucket.left(this.#nowMs()) > 0
  }

  spend(from: string, to: string, bytes: number): void {
    this.get(from, to)?.spend(bytes, this.#nowMs())
  }
}

function keyOf(from: string, to: string): string {
  return `${from}\n${to}`
}
