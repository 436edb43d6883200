/**
 * Keys of a bucket as files of a folder. A bucket has no folders, so it holds what no file system does: a key that
 * is a file and also the beginning of others, empty names, `..`. Nobody could download a torrent of those.
 */
import type { OriginFile } from './origin.ts'
import { OriginError } from './origin-error.ts'

/** Sorted like a file tree. Throws where the keys are no files of a folder. `label` names the folder. */
export function sortedObjects(objects: readonly OriginFile[], label: string): OriginFile[] {
  if (objects.length === 0) {
    throw new OriginError('missing', `${label}: there is nothing below this prefix; check the spelling`)
  }
  for (const { path } of objects) {
    const bad = path.find((part) => part === '' || part === '.' || part === '..')
    if (bad !== undefined) {
      throw new OriginError(
        'unusable',
        `${label}${path.join('/')}: no file can have this key, because of "${bad}" between its slashes; rename it`,
      )
    }
  }
  const sorted = objects.toSorted((left, right) => comparePaths(left.path, right.path))
  for (const [index, { path }] of sorted.entries()) {
    const next = sorted[index + 1]?.path ?? []
    if (next.length > path.length && path.every((part, depth) => part === next[depth])) {
      throw new OriginError(
        'unusable',
        `${label}${path.join('/')} is an object and also a folder of others, which no disk can hold; rename it`,
      )
    }
  }
  return sorted
}

/** Folder by folder, by the bytes of each name. */
function comparePaths(left: readonly string[], right: readonly string[]): number {
  for (let depth = 0; depth < left.length && depth < right.length; depth++) {
    const order = Buffer.compare(Buffer.from(left[depth] as string), Buffer.from(right[depth] as string))
    if (order !== 0) return order
  }
  return left.length - right.length
}
