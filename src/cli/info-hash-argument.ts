/** The infohash of a registered torrent as the argument of a command. */
import { parseInfoHash } from '../core/info-hash.ts'

/** One sentence about what is wrong; undefined for an infohash. */
export function infoHashProblem(text: string): string | undefined {
  if (parseInfoHash(text) !== undefined) return undefined
  return `${JSON.stringify(text)} is not an infohash; an infohash has 40 hexadecimal digits, or 64 for v2`
}
