/**
 * Pages of large collections, in a fixed order: by `rank`, and equal ones by infohash.
 *
 * A page of a sorted list needs a binary search. A page of another collection, or of the items that match a filter, needs one
 * pass, in turns between which announces are answered, and keeps a few times its own size. A cursor is the position of the last item of the page
 * before, so that items that come and go between two requests do not shift the rest.
 */
import * as z from 'zod'
import { elapsedMs } from '../../core/clock.ts'
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'
import { indexOfFirst } from '../../core/sorted-list.ts'
import { readAs, wholeNumber } from './parameters.ts'
import { Turns } from './turns.ts'

/** About 300 KB of JSON. */
const PAGE_ITEMS_MAX = 1_000
const PAGE_ITEMS_DEFAULT = 100

/** Pages collected before the pass sorts them and keeps the first one: the sorts then take less time than the pass. */
const COLLECTED_PAGES = 4

/** Items between two readings of the time. */
const TIMED_ITEMS = 256

export interface Position {
  /** A whole number that is not negative. */
  readonly rank: number
  readonly infoHash: Buffer
}

export interface PageOptions {
  readonly limit: number
  /** undefined for the first page. */
  readonly after?: Position | undefined
  readonly order: 'ascending' | 'descending'
}

export interface Page<Item> {
  /** Items of all pages. */
  readonly total: number
  readonly items: readonly Item[]
  /** undefined on the last page. */
  readonly next: string | undefined
}

export const limitParameter = () =>
  wholeNumber({
    code: 'limit-invalid',
    expected: `a whole number from 1 to ${PAGE_ITEMS_MAX}`,
    min: 1,
    max: PAGE_ITEMS_MAX,
  })
    .default(PAGE_ITEMS_DEFAULT)
    .describe('Items of a page.')

export const afterParameter = () =>
  readAs(
    z.string().regex(/^\d{1,15}-[0-9a-f]{40}$/),
    { code: 'after-invalid', expected: '`next` of the previous page' },
    readCursor,
  )
    .optional()
    .describe('`next` of the previous page.')

/** The collection may change between two turns. */
export async function takePage<Item>(
  items: Iterable<Item>,
  positionOf: (item: Item) => Position,
  { limit, after, order, isMatch = () => true }: PageOptions & { readonly isMatch?: (item: Item) => boolean },
  nowMs: () => number = elapsedMs,
): Promise<Page<Item>> {
  const compare = order === 'ascending' ? compareAscending : compareDescending
  const collectedMax = (limit + 1) * COLLECTED_PAGES
  let collected: { readonly item: Item; readonly position: Position }[] = []
  let last: Position | undefined
  let [total, scanned] = [0, 0]
  const cut = () => {
    collected = collected.toSorted((a, b) => compare(a.position, b.position)).slice(0, limit + 1)
    last = collected.length > limit ? collected.at(-1)?.position : undefined
  }
  const turns = new Turns(nowMs)
  for (const item of items) {
    if (++scanned % TIMED_ITEMS === 0 && turns.isOver) await turns.next()
    if (!isMatch(item)) continue
    total++
    const position = positionOf(item)
    if (after !== undefined && compare(position, after) <= 0) continue
    if (last !== undefined && compare(position, last) > 0) continue
    collected.push({ item, position })
    if (collected.length === collectedMax) cut()
  }
  cut()
  const page = collected.slice(0, limit)
  const end = collected.length > limit ? page.at(-1)?.position : undefined
  return { total, items: page.map(({ item }) => item), next: end && formatCursor(end) }
}

/** `sorted`: ascending. */
export function pageOfSorted<Item>(
  sorted: readonly Item[],
  positionOf: (item: Item) => Position,
  { limit, after, order }: PageOptions,
): Page<Item> {
  const isAscending = order === 'ascending'
  // The page is in this part of the list, at its start or at its end.
  const start =
    isAscending && after !== undefined
      ? indexOfFirst(sorted, (item) => compareAscending(positionOf(item), after) > 0)
      : 0
  const end =
    !isAscending && after !== undefined
      ? indexOfFirst(sorted, (item) => compareAscending(positionOf(item), after) >= 0)
      : sorted.length
  const items = isAscending
    ? sorted.slice(start, start + limit)
    : sorted.slice(Math.max(0, end - limit), end).toReversed()
  const last = items.at(-1)
  const hasMore = last !== undefined && items.length < end - start
  return { total: sorted.length, items, next: hasMore ? formatCursor(positionOf(last)) : undefined }
}

const formatCursor = ({ rank, infoHash }: Position) => `${rank}-${infoHash.toString('hex')}`

/** Negative if `a` comes before `b`. */
function compareAscending(a: Position, b: Position): number {
  return a.rank - b.rank || a.infoHash.compare(b.infoHash)
}

function compareDescending(a: Position, b: Position): number {
  return b.rank - a.rank || a.infoHash.compare(b.infoHash)
}

function readCursor(text: string): Position | undefined {
  const [rank = '', infoHash = ''] = text.split('-')
  const bytes = Buffer.from(infoHash, 'hex')
  return bytes.length === INFO_HASH_BYTES ? { rank: Number(rank), infoHash: bytes } : undefined
}
