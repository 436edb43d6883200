/**
 * The `file tree` of a hybrid torrent beside its v1 files. libtorrent requires that every file with content has the same
 * path, length and position in both; the padding after the last file may be missing in the v1 files.
 */
import type { Metainfo } from '../metainfo.ts'
import { contentLayout, singleTreeName } from './content-entries.ts'
import { type LibtorrentFile, libtorrentFolder, treeFiles } from './libtorrent-files.ts'

const MISMATCH = 'its v1 files and its `file tree` differ'

export class HybridTree {
  readonly #files: Iterator<LibtorrentFile | string>
  /** What precedes the paths of the tree, where the v1 file has no folder. */
  readonly #prefix: string
  #totalBytes = 0
  /** Length of the last file with content if it is padding. */
  #tailPaddingBytes = 0
  #problem: string | undefined

  constructor(metainfo: Metainfo, pieceBytes: number) {
    this.#files = treeFiles(metainfo, pieceBytes)
    const isInFolder = contentLayout(metainfo) === 'single' && singleTreeName(metainfo) === undefined
    this.#prefix = isInFolder ? `${libtorrentFolder(metainfo)}/` : ''
  }

  /** `listed` is the next v1 file and begins at `startByte`. */
  compare(listed: LibtorrentFile, startByte: number): void {
    const startInTree = this.#totalBytes
    const file = this.#next()
    if (file === undefined) {
      this.#problem ??= MISMATCH
      return
    }
    const isContent = hasContent(listed)
    if (isContent !== hasContent(file)) this.#problem ??= MISMATCH
    if (!isContent) return
    const isSame =
      this.#prefix + file.path === listed.path &&
      file.lengthBytes === listed.lengthBytes &&
      startInTree === startByte
    if (!isSame) this.#problem ??= MISMATCH
  }

  /** After the last v1 file: the reason why the two do not agree. */
  end(listedBytes: number): string | undefined {
    const last = this.#next()
    if (last !== undefined) {
      this.#totalBytes -= this.#tailPaddingBytes
      if (this.#tailPaddingBytes === 0 || this.#next() !== undefined) this.#problem ??= MISMATCH
    }
    if (this.#totalBytes !== listedBytes) this.#problem ??= MISMATCH
    return this.#problem
  }

  #next(): LibtorrentFile | undefined {
    const { value, done } = this.#files.next()
    if (done === true) return undefined
    if (typeof value === 'string') {
      this.#problem ??= value
      return undefined
    }
    this.#totalBytes += value.lengthBytes
    if (value.lengthBytes > 0) this.#tailPaddingBytes = value.isPadding ? value.lengthBytes : 0
    return value
  }
}

function hasContent({ isPadding, lengthBytes }: LibtorrentFile): boolean {
  return !isPadding && lengthBytes > 0
}
