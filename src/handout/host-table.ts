/**
 * The hosts that one scan of a list has met, by the hash of their address, each with a number. Reused by all scans: a new
 * one begins a generation, so that nothing has to be cleared.
 *
 * Threat: the hash is the one that nodes replicate, without a key, so that a host can compute addresses whose hashes share
 * slots. The slot follows from a product with a secret of the process (multiply-shift hashing, Dietzfelbinger et al.
 * 1997): any two hosts share one with a probability of 2 in 256.
 */
import { systemSecret } from '../core/random.ts'

const SLOTS = 256
/** The highest eight bits of a 32-bit product. */
const SLOT_SHIFT = 24

export class HostTable {
  readonly #hosts = new Int32Array(SLOTS)
  readonly #numbers = new Int32Array(SLOTS)
  readonly #generations = new Uint32Array(SLOTS)
  /** Odd. */
  readonly #multiplier: number
  #generation = 0

  /** `secret`: at least 4 bytes. */
  constructor(secret: Buffer = systemSecret()) {
    this.#multiplier = secret.readInt32LE(0) | 1
  }

  /** Forgets all hosts. */
  begin(): void {
    this.#generation = (this.#generation + 1) >>> 0
  }

  /** The number of this host; that of the call, if the host is new. At most half as many hosts as there are slots. */
  numberOf(host: number, numberIfNew: number): number {
    let at = Math.imul(host, this.#multiplier) >>> SLOT_SHIFT
    while (this.#generations[at] === this.#generation) {
      if (this.#hosts[at] === (host | 0)) return this.#numbers[at] as number
      at = (at + 1) & (SLOTS - 1)
    }
    this.#generations[at] = this.#generation
    this.#hosts[at] = host
    this.#numbers[at] = numberIfNew
    return numberIfNew
  }
}
