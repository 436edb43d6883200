/**
 * Recent changes of the registered torrents in Redis, so that a node reads what has changed instead of all descriptions.
 *
 * `torrent-state` has a field for each of the last 1,024 changes, in a ring: `change:SLOT`, with the slot of the version.
 *
 *   VERSION " " CHANGE " " INFOHASH      the version after it, a text that no other change has, hexadecimal digits
 *
 * A change without a field, of a node of an earlier version or of an operator, leaves the slot of its version to an older one. A server that lost
 * its newest changes and has others since has the same version with another change. In both cases, as after more changes
 * than the ring has, a node reads everything.
 */
import { list, type RedisClient, text } from './client.ts'

/** 200 KB. The same number is in scripts/put-torrent-3.lua and scripts/remove-torrent-3.lua. */
const SLOTS = 1_024

/** The last change that a node has read. */
export interface ReadChange {
  readonly version: number
  readonly change: string
}

export interface RecentChanges {
  /** In hexadecimal digits, each once. */
  readonly infoHashes: readonly string[]
  readonly last: ReadChange
}

interface Slot extends ReadChange {
  readonly infoHash: string
}

/** The change that made this version; undefined if it is not in the ring. */
export async function changeOf(
  client: RedisClient,
  torrentState: string,
  version: number,
): Promise<ReadChange | undefined> {
  const [slot] = await readSlots(client, torrentState, version, version)
  return slot && { version, change: slot.change }
}

/** The changes after `read`, up to `version`; undefined if some of them are not in the ring. */
export async function changesAfter(
  client: RedisClient,
  torrentState: string,
  read: ReadChange,
  version: number,
): Promise<RecentChanges | undefined> {
  const count = version - read.version
  if (!(count >= 1 && count < SLOTS)) return undefined
  const [same, ...slots] = await readSlots(client, torrentState, read.version, version)
  const last = slots.at(-1)
  if (same?.change !== read.change || last === undefined || slots.includes(undefined)) return undefined
  const infoHashes = new Set(slots.flatMap((slot) => slot?.infoHash ?? []))
  return { infoHashes: [...infoHashes], last: { version, change: last.change } }
}

async function readSlots(
  client: RedisClient,
  torrentState: string,
  from: number,
  to: number,
): Promise<readonly (Slot | undefined)[]> {
  if (!Number.isSafeInteger(from) || from < 0) return []
  const versions = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  const fields = versions.map((version) => `change:${version % SLOTS}`)
  const values = list(await client.call('hmget', [torrentState, ...fields]))
  return versions.map((version, index) => readSlot(text(values[index]), version))
}

/** undefined for the slot of another version, and for a text that no node wrote. */
function readSlot(value: string, version: number): Slot | undefined {
  const [, written, change = '', infoHash = ''] = /^(\d{1,16}) (\S{1,64}) ([0-9a-f]{40})$/.exec(value) ?? []
  return Number(written) === version ? { version, change, infoHash } : undefined
}
