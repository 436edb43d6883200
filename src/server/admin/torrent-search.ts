/** Search among registered torrents and rollouts: by a part of the name, or the first digits of an infohash. */
import { readInfoHashDigits, startsWithDigits } from '../../core/info-hash-digits.ts'

export interface Named {
  readonly name: string
  readonly infoHashes: readonly Buffer[]
}

/** Whether a torrent is found with this text, in upper or lower case. */
export function torrentSearch(text: string): (torrent: Named) => boolean {
  const part = searchPattern(text, 'iu')
  const digits = readInfoHashDigits(text)
  return ({ name, infoHashes }) =>
    (digits !== undefined && infoHashes.some((infoHash) => startsWithDigits(infoHash, digits))) ||
    part.test(name)
}

/**
 * Matches the text. A regular expression needs no copy of each name in lower case: a quarter of the time for 100,000
 * names.
 */
export function searchPattern(text: string, flags: 'iu' | 'giu'): RegExp {
  return new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`), flags)
}
