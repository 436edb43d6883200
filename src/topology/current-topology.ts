/**
 * The topology that a node uses now. One object, made first and given to every part of the node; a reload replaces
 * its value as a whole, so that no part ever sees a mixture of two files.
 */
import type { Topology } from './topology.ts'

type Listener = (after: Topology, before: Topology) => void

export class CurrentTopology {
  readonly #listeners: Listener[] = []
  #value: Topology

  constructor(value: Topology) {
    this.#value = value
  }

  get value(): Topology {
    return this.#value
  }

  /** Takes effect at once; the listeners run before this returns, in the order in which they were added. */
  replace(after: Topology): void {
    const before = this.#value
    this.#value = after
    for (const listener of this.#listeners) listener(after, before)
  }

  /** Calls `listener` after each replacement, when `value` is already the new topology. */
  onReplace(listener: Listener): void {
    this.#listeners.push(listener)
  }
}
