/**
 * The hosts that one scan of a list has met, by the hash of their address, each with a number. Reused by all scans: a new
 * one begins a generation, so that nothing has to be cleared.
 */
const SLOTS = 256

export class HostTable {
  readonly #hosts = new Int32Array(SLOTS)
  readonly #numbers = new Int32Array(SLOTS)
  readonly #generations = new Uint32Array(SLOTS)
  #generation = 0

  /** Forgets all hosts. */
  begin(): void {
    this.#generation = (this.#generation + 1) >>> 0
  }

  /** The number of this host; that of the call, if the host is new. At most half as many hosts as there are slots. */
  numberOf(host: number, numberIfNew: number): number {
    let at = host & (SLOTS - 1)
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
