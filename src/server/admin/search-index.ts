/**
 * Index of a list of torrents for `torrentSearch`: the names and infohashes of a block of torrents lie next to each other, so that
 * a search of 100,000 torrents does not read each of them from the memory. It costs 50 bytes a torrent and the characters of its name:
 * 5 MB for 100,000 short names. A change of the list makes the blocks around it again, when they are searched.
 */
import { changedRange } from '../../core/changed-range.ts'
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'
import { type InfoHashDigits, readInfoHashDigits, startsWithDigits } from '../../core/info-hash-digits.ts'
import { type Named, searchPattern, torrentSearch } from './torrent-search.ts'
import { Turns } from './turns.ts'

/** A change makes up to three blocks again, half a millisecond each. */
const BLOCK_ITEMS = 1_024

/** Between two names. A text with it is compared with each name. */
const SEPARATOR = '\0'

export class SearchIndex<Item extends Named> {
  #list: readonly Item[] = []
  #blocks: readonly Block<Item>[] = []

  /** The items that `torrentSearch` finds, in the order of the list. */
  async find(list: readonly Item[], text: string): Promise<Item[]> {
    this.#follow(list)
    const blocks = this.#blocks
    const find = finder<Item>(text)
    const turns = new Turns()
    const found: Item[] = []
    for (const block of blocks) {
      if (turns.isOver) await turns.next()
      find(block, found)
    }
    return found
  }

  #follow(list: readonly Item[]): void {
    if (list === this.#list) return
    const { start, endBefore } = changedRange(this.#list, list)
    const before: Block<Item>[] = []
    const after: Block<Item>[] = []
    let at = 0
    for (const block of this.#blocks) {
      const end = at + block.items.length
      if (end <= start) before.push(block)
      else if (at >= endBefore) after.push(block)
      at = end
    }
    // Small ones grow, so that single changes do not leave a block each.
    if ((before.at(-1)?.items.length ?? BLOCK_ITEMS) < BLOCK_ITEMS) before.pop()
    if ((after[0]?.items.length ?? BLOCK_ITEMS) < BLOCK_ITEMS) after.shift()
    const from = itemsOf(before)
    const to = list.length - itemsOf(after)
    const changed: Block<Item>[] = []
    for (let first = from; first < to; first += BLOCK_ITEMS)
      changed.push(new Block(list.slice(first, Math.min(first + BLOCK_ITEMS, to))))
    this.#blocks = [...before, ...changed, ...after]
    this.#list = list
  }
}

class Block<Item extends Named> {
  readonly items: readonly Item[]
  #names: { readonly text: string; readonly ends: Uint32Array } | undefined
  #infoHashes: { readonly bytes: Buffer; readonly items: Uint16Array } | undefined

  constructor(items: readonly Item[]) {
    this.items = items
  }

  /** Calls `mark` with the index of each item whose name has a match. `pattern`: global, and matches neither nothing nor a separator. */
  matchNames(pattern: RegExp, mark: (index: number) => void): void {
    const { text, ends } = (this.#names ??= this.#joinNames())
    pattern.lastIndex = 0
    let index = 0
    while (pattern.test(text)) {
      while ((ends[index] as number) < pattern.lastIndex) index++
      mark(index)
      pattern.lastIndex = ends[index] as number
    }
  }

  /** The same for items with an infohash that begins with the digits. */
  matchInfoHashes(digits: InfoHashDigits, mark: (index: number) => void): void {
    const { bytes, items } = (this.#infoHashes ??= this.#joinInfoHashes())
    for (let at = 0; at < items.length; at++)
      if (startsWithDigits(bytes, digits, at * INFO_HASH_BYTES)) mark(items[at] as number)
  }

  #joinNames() {
    const ends = new Uint32Array(this.items.length)
    let end = -1
    for (const [index, { name }] of this.items.entries()) ends[index] = end += 1 + name.length
    return { text: this.items.map(({ name }) => name).join(SEPARATOR), ends }
  }

  #joinInfoHashes() {
    const count = this.items.reduce((total, { infoHashes }) => total + infoHashes.length, 0)
    const bytes = Buffer.alloc(count * INFO_HASH_BYTES)
    const items = new Uint16Array(count)
    let at = 0
    for (const [index, { infoHashes }] of this.items.entries())
      for (const infoHash of infoHashes) {
        infoHash.copy(bytes, at * INFO_HASH_BYTES)
        items[at++] = index
      }
    return { bytes, items }
  }
}

/** Adds the items of a block that are found. */
type Find<Item extends Named> = (block: Block<Item>, found: Item[]) => void

function finder<Item extends Named>(text: string): Find<Item> {
  if (text === '' || text.includes(SEPARATOR)) {
    const isFound = torrentSearch(text)
    return ({ items }, found) => {
      for (const item of items) if (isFound(item)) found.push(item)
    }
  }
  const pattern = searchPattern(text, 'giu')
  const digits = readInfoHashDigits(text)
  const marks = new Uint8Array(BLOCK_ITEMS)
  const mark = (index: number) => void (marks[index] = 1)
  return (block, found) => {
    if (digits !== undefined) block.matchInfoHashes(digits, mark)
    block.matchNames(pattern, mark)
    for (let index = marks.indexOf(1); index >= 0; index = marks.indexOf(1, index + 1)) {
      marks[index] = 0
      found.push(block.items[index] as Item)
    }
  }
}

function itemsOf(blocks: readonly Block<Named>[]): number {
  return blocks.reduce((total, { items }) => total + items.length, 0)
}
