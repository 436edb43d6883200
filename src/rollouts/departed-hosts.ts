/**
 * Hosts of one torrent at one site whose client left: complete ones, which still count, and others, which may return.
 * Bounded: beyond the limit, complete hosts are a number for each bubble, and others are dropped.
 */
import type { HostKey, HostState } from './host.ts'

/** As many hosts as a large site has; 200 bytes each. */
const DEPARTED_HOSTS_MAX = 20_000

export class DepartedHosts {
  readonly #hosts = new Map<HostKey, HostState>()
  /** Complete hosts beyond the limit, by bubble. */
  readonly #further = new Map<string, number>()

  get size(): number {
    return this.#hosts.size
  }

  get(key: HostKey): HostState | undefined {
    return this.#hosts.get(key)
  }

  /**
   * The later state replaces the earlier one. A host that was complete stays complete, also if its client returns and
   * leaves again while it checks its files.
   */
  add(key: HostKey, host: HostState): void {
    const known = this.#hosts.get(key)
    if (known !== undefined && known.lastSeenMs >= host.lastSeenMs) {
      if (host.isComplete && !known.isComplete) this.#hosts.set(key, { ...known, share: 1, isComplete: true })
      return
    }
    if (known === undefined && this.#hosts.size >= DEPARTED_HOSTS_MAX && !this.#dropOne()) {
      if (host.isComplete) this.#addFurther(host.bubble, 1)
      return
    }
    this.#hosts.delete(key)
    this.#hosts.set(key, known?.isComplete === true ? { ...host, share: 1, isComplete: true } : host)
  }

  entries(): IterableIterator<[HostKey, HostState]> {
    return this.#hosts.entries()
  }

  /** Complete hosts that are only counted, by bubble. */
  further(): ReadonlyMap<string, number> {
    return this.#further
  }

  #addFurther(bubble: string, count: number): void {
    this.#further.set(bubble, (this.#further.get(bubble) ?? 0) + count)
  }

  restoreFurther(counts: Iterable<readonly [string, number]>): void {
    for (const [bubble, count] of counts)
      this.#further.set(bubble, Math.max(count, this.#further.get(bubble) ?? 0))
  }

  /** Drops the host that left first and is not complete. False where all are complete. */
  #dropOne(): boolean {
    for (const [key, { isComplete }] of this.#hosts)
      if (!isComplete) {
        this.#hosts.delete(key)
        return true
      }
    return false
  }
}
