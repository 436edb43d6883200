/**
 * Maps the keys of a bucket to the files of a folder. Keys are arbitrary strings, so a bucket may hold what a file
 * system cannot: a key that is also the prefix of others, empty names, `..`. No client could download such a torrent.
 */
import type { OriginFile } from './origin.ts'
import { OriginError } from './origin-error.ts'

/** Sorts the objects like a file tree. Throws if a key cannot be a file of a folder. `label` names the folder. */
export function sortedObjects(objects: readonly OriginFile[], label: string): OriginFile[] {
  if (objects.length === 0) {
    throw new OriginError('missing', `${label}: no object has this prefix; check the spelling`)
  }
  for (const { path } of objects) {
    const bad = path.find((part) => part === '' || part === '.' || part === '..')
    if (bad !== undefined) {
      throw new OriginError(
        'unusable',
        `${label}${path.join('/')}: the key has the part "${bad}", which cannot be a file name; rename the object`,
      )
    }
  }
  const sorted = objects.toSorted((left, right) => comparePaths(left.path, right.path))
  for (const [index, { path }] of sorted.entries()) {
    const next = sorted[index + 1]?.path ?? []
    if (next.length > path.length && path.every((part, depth) => part === next[depth])) {
      throw new OriginError(
        'unusable',
        `${label}${path.join('/')} is an object and also a prefix of other objects, which a file system cannot represent; rename it`,
      )
    }
  }
  return sorted
}

/** Compares folder by folder, by the bytes of each name. */
function comparePaths(left: readonly string[], right: readonly string[]): number {
  for (let depth = 0; depth < left.length && depth < right.length; depth++) {
    const order = Buffer.compare(Buffer.from(left[depth] as string), Buffer.from(right[depth] as string))
    if (order !== 0) return order
  }
  return left.length - right.length
}
