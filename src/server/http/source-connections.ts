/**
 * Open connections of each source, which is an IPv4 address or the /64 of an IPv6 address.
 *
 * Threat: one host, or a few, keep all connections of the node open without a request. A source has a limit. When the
 * node is full nevertheless, a new connection closes the oldest one of the source with the most, unless the new one's own
 * source has as many. All operations take constant time, because a flood causes them.
 */
import type { Socket } from 'node:net'
import { sourceOf } from '../../core/source.ts'

export class SourceConnections {
  readonly #perSourceMax: number
  /** The oldest one first. */
  readonly #open = new Map<string, Set<Socket>>()
  /** The sources that have this number of connections. */
  readonly #byCount: Set<string>[] = []
  #most = 0

  constructor(perSourceMax: number) {
    this.#perSourceMax = perSourceMax
  }

  /** False, without adding it, if the source has as many as it may. `from`: of the client behind a proxy. */
  add(socket: Socket, from = socket.remoteAddress ?? ''): boolean {
    const source = sourceOf(from)
    const open = this.#open.get(source) ?? new Set()
    if (open.size >= this.#perSourceMax) return false
    this.#open.set(source, open)
    this.#move(source, open.size, open.size + 1)
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      this.#move(source, open.size + 1, open.size)
      if (open.size === 0) this.#open.delete(source)
    })
    return true
  }

  /** The connection to close for this one; undefined if no source has two more than its own. */
  oldestOfHeaviest(socket: Socket): Socket | undefined {
    while (this.#most > 0 && (this.#byCount[this.#most]?.size ?? 0) === 0) this.#most--
    const own = this.#open.get(sourceOf(socket.remoteAddress ?? ''))?.size ?? 0
    if (this.#most < own + 2) return undefined
    const [heaviest] = this.#byCount[this.#most] ?? []
    const [oldest] = this.#open.get(heaviest ?? '') ?? []
    return oldest
  }

  #move(source: string, before: number, after: number): void {
    this.#byCount[before]?.delete(source)
    if (after === 0) return
    ;(this.#byCount[after] ??= new Set()).add(source)
    this.#most = Math.max(this.#most, after)
  }
}
