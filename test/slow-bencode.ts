/**
 * An independent reader of torrents, to check the scanner: recursive, one byte after the other, without shared code.
 * Expects well-formed bencoding, canonical or not.
 */
import { createHash } from 'node:crypto'

export interface SlowEntry {
  /** As latin1, so that keys compare as bytes do. */
  readonly key: string
  readonly value: Buffer
  /** From the first digit of the key's length to the last byte of the value. */
  readonly whole: Buffer
}

/** The top level of a torrent, in the order of the file. */
export function slowEntries(torrent: Buffer): SlowEntry[] {
  const entries: SlowEntry[] = []
  let at = 1
  while (torrent.toString('latin1', at, at + 1) !== 'e') {
    const colon = torrent.indexOf(':', at)
    const valueAt = endOf(torrent, at)
    const end = endOf(torrent, valueAt)
    entries.push({
      key: torrent.toString('latin1', colon + 1, valueAt),
      value: torrent.subarray(valueAt, end),
      whole: torrent.subarray(at, end),
    })
    at = end
  }
  return entries
}

/** The entries without those of these keys, in the order of their keys; of equal keys the first stays first. */
export function slowKept(torrent: Buffer, ours: readonly string[]): string[] {
  return slowEntries(torrent)
    .filter(({ key }) => !ours.includes(key))
    .map(({ key, whole }, index) => ({ key, whole, index }))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : left.index - right.index))
    .map(({ whole }) => whole.toString('latin1'))
}

/** SHA-1 and SHA-256 of the bytes of `info`. */
export function slowHashes(torrent: Buffer): { readonly sha1: string; readonly sha256: string } {
  const info = slowEntries(torrent).find(({ key }) => key === 'info')
  if (info === undefined) throw new Error('there is no info')
  const hash = (algorithm: string) => createHash(algorithm).update(info.value).digest('hex')
  return { sha1: hash('sha1'), sha256: hash('sha256') }
}

function endOf(bytes: Buffer, at: number): number {
  const letter = bytes.toString('latin1', at, at + 1)
  if (letter === 'i') return bytes.indexOf('e', at) + 1
  if (letter === 'l' || letter === 'd') {
    let inside = at + 1
    while (bytes.toString('latin1', inside, inside + 1) !== 'e') inside = endOf(bytes, inside)
    return inside + 1
  }
  const colon = bytes.indexOf(':', at)
  return colon + 1 + Number(bytes.toString('latin1', at, colon))
}
