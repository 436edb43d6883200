/**
 * Paths of a torrent that collide: two files with one path, or a file with the path of a folder.
 *
 * The first pass keeps a number for each path, so that a torrent of a million files costs some megabytes. Only where two
 * numbers are equal, a second pass compares the paths themselves.
 */

/** Maps paths that are equal to a client to one string. */
export type Fold = (path: string) => string

export const exactly: Fold = (path) => path

/** As libtorrent compares: ASCII letters have no case. */
export const withoutCase: Fold = (path) => path.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())

/** The first pass. */
export class PathNumbers {
  readonly #fold: Fold
  readonly #files = new NumberList()
  readonly #folders = new NumberList()
  #lastFolder: number | undefined

  constructor(fold: Fold) {
    this.#fold = fold
  }

  add(path: string): void {
    const folders: number[] = []
    this.#files.push(numberOf(this.#fold(path), (folder) => folders.push(folder)))
    // Files of one folder usually follow each other.
    if (folders.at(-1) === this.#lastFolder) return
    this.#lastFolder = folders.at(-1)
    for (const folder of folders) this.#folders.push(folder)
  }

  /** The numbers of paths that may collide. */
  repeated(): ReadonlySet<number> {
    const files = this.#files.sorted()
    const folders = this.#folders.sorted()
    const repeated = new Set<number>()
    let at = 0
    for (const [index, file] of files.entries()) {
      if (file === files[index - 1]) repeated.add(file)
      while (at < folders.length && (folders[at] as number) < file) at++
      if (folders[at] === file) repeated.add(file)
    }
    return repeated
  }
}

export interface ResolvedPath {
  /** Another one than before where the client renames files that collide. */
  readonly path: string
  /** True where an earlier file or a folder has the path. */
  readonly isCollision: boolean
}

/** A new path for a file that collides, or undefined where the client does not rename files. */
export type Rename = (path: string, isOccupied: (path: string) => boolean) => string | undefined

/** The second pass, over the same paths. undefined stands for a file that is not written. */
export function* resolveCollisions(
  paths: () => Iterable<string | undefined>,
  repeated: ReadonlySet<number>,
  { fold, rename }: { readonly fold: Fold; readonly rename: Rename },
): Generator<ResolvedPath | undefined> {
  const occupied = new Set<number>()
  const compared = new Set<string>()
  for (const path of paths()) {
    const folded = fold(path ?? '')
    numberOf(folded, (folder, end) => {
      occupied.add(folder)
      if (repeated.has(folder)) compared.add(folded.slice(0, end))
    })
  }
  for (const path of paths()) {
    if (path === undefined) {
      yield undefined
      continue
    }
    const folded = fold(path)
    const isCollision = compared.has(folded)
    const isOccupied = (other: string) => occupied.has(numberOf(fold(other)))
    const resolved = isCollision ? (rename(path, isOccupied) ?? path) : path
    const number = numberOf(fold(resolved))
    occupied.add(number)
    // A renamed file may take the path of a later one.
    if (isCollision || repeated.has(number)) compared.add(fold(resolved))
    yield { path: resolved, isCollision }
  }
}

/**
 * A hash of 53 bits, and the same of each folder above. In one pass, because a path may have thousands of folders; with so
 * many bits that paths of a million files have equal numbers only where they are equal.
 */
function numberOf(path: string, onFolder?: (number: number, end: number) => void): number {
  // FNV-1a, twice.
  let low = 0x811c9dc5
  let high = 0x1b873593
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at)
    if (code === SLASH) onFolder?.(joinBits(high, low), at)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x5bd1e995)
  }
  return joinBits(high, low)
}

function joinBits(high: number, low: number): number {
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0)
}

const SLASH = 0x2f

/** Numbers in eight bytes each. */
class NumberList {
  #numbers = new Float64Array(64)
  #length = 0

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Float64Array(2 * this.#length)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.#length++] = number
  }

  sorted(): Float64Array {
    return this.#numbers.slice(0, this.#length).sort()
  }
}
