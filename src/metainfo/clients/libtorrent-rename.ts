/** The path that libtorrent gives a file whose path is taken: with a number before the extension. */
import type { Rename } from './collisions.ts'

export const libtorrentRename: Rename = (path, isOccupied) => {
  const dot = path.lastIndexOf('.')
  const hasExtension = dot > path.lastIndexOf('/')
  const [base, extension] = hasExtension ? [path.slice(0, dot), path.slice(dot)] : [path, '']
  for (let number = 1; ; number++) {
    const renamed = `${base}.${number}${extension}`
    if (!isOccupied(renamed)) return renamed
  }
}
