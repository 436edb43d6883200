/**
 * Items ordered by the time at which they are due: a binary heap in which each item stores its own position, so that
 * an item is moved or removed in logarithmic time. It replaces a timer per client.
 */

export interface DueItem {
  /** Set by the queue only. */
  dueMs: number
  /** Position in its queue, or -1. Set by the queue only. */
  queueIndex: number
}

export class DueQueue<Item extends DueItem> {
  readonly #heap: Item[] = []

  get size(): number {
    return this.#heap.length
  }

  /** Adds the item, or moves it where it is in this queue already. */
  put(item: Item, dueMs: number): void {
    item.dueMs = dueMs
    if (item.queueIndex < 0) {
      item.queueIndex = this.#heap.length
      this.#heap.push(item)
    }
    this.#sift(item)
  }

  remove(item: Item): void {
    const at = item.queueIndex
    if (at < 0) return
    item.queueIndex = -1
    const last = this.#heap.pop()
    if (last === undefined || last === item) return
    this.#place(last, at)
    this.#sift(last)
  }

  /** The item that is due first, unless it is due after `nowMs`. Removes it. */
  takeDue(nowMs: number): Item | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.dueMs > nowMs) return undefined
    this.remove(first)
    return first
  }

  #sift(item: Item): void {
    this.#siftUp(item)
    this.#siftDown(item)
  }

  #siftUp(item: Item): void {
    for (let at = item.queueIndex; at > 0;) {
      const above = (at - 1) >> 1
      const parent = this.#heap[above] as Item
      if (parent.dueMs <= item.dueMs) return
      this.#place(parent, at)
      this.#place(item, above)
      at = above
    }
  }

  #siftDown(item: Item): void {
    for (let at = item.queueIndex; ;) {
      const below = this.#earlierChild(at)
      const child = this.#heap[below]
      if (child === undefined || child.dueMs >= item.dueMs) return
      this.#place(child, at)
      this.#place(item, below)
      at = below
    }
  }

  #earlierChild(at: number): number {
    const left = this.#heap[2 * at + 1]
    const right = this.#heap[2 * at + 2]
    return left !== undefined && right !== undefined && right.dueMs < left.dueMs ? 2 * at + 2 : 2 * at + 1
  }

  #place(item: Item, at: number): void {
    this.#heap[at] = item
    item.queueIndex = at
  }
}
