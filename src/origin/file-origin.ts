/**
 * Opens a file or a folder on this machine as an origin.
 *
 * Inode, size and modification time identify the content. They are compared when a file is opened, before the first
 * and the last byte of a range, and by path in `verifyUnchanged`. A file that was replaced by a new one is detected
 * as well as one that was written to.
 */
import type { BigIntStats } from 'node:fs'
import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { isInside, walkFolder } from './folder.ts'
import type { ByteRange, OpenOptions, Origin, OriginFile, OriginWarning } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { toOriginError } from './file-errors.ts'
import { filePathOf } from './file-path.ts'

/** `reference`: a path, or a file: URL. */
export async function openFileOrigin(
  reference: string,
  { signal, within }: Pick<OpenOptions, 'signal' | 'within'>,
): Promise<Origin> {
  const root = resolve(/^file:/i.test(reference) ? filePathOf(reference) : reference)
  if (dirname(root) === root)
    throw new OriginError('unusable', `${root} is the whole file system; name a folder in it`)
  const stats = await withFileErrors(root, () => stat(root, { bigint: true }))
  if (stats.isFile()) {
    const file = { path: [], sizeBytes: Number(stats.size), tag: tagOf(stats) }
    return new FileOrigin(root, { isFolder: false, files: [file], within })
  }
  if (!stats.isDirectory()) throw new OriginError('unusable', `${root}: not a regular file or a folder`)

  const files: OriginFile[] = []
  const duplicates = { count: 0, bytes: 0 }
  for await (const { path, stats: fileStats, isDuplicate } of walkFolder(root, { signal, within })) {
    const sizeBytes = Number(fileStats.size)
    files.push({ path, sizeBytes, tag: tagOf(fileStats) })
    if (!isDuplicate) continue
    duplicates.count++
    duplicates.bytes += sizeBytes
  }
  if (files.length === 0) throw new OriginError('unusable', `${root}: the folder contains no files`)
  const warnings =
    duplicates.bytes === 0
      ? []
      : [
          {
            code: 'links-followed',
            message:
              `${duplicates.count} files (${duplicates.bytes} bytes) are in the torrent twice, because links inside the ` +
              'folder lead to them; publish a tar archive to keep the links',
          },
        ]
  return new FileOrigin(root, { isFolder: true, files, warnings, within })
}

/** Inode and time come first: they change more often than the size. */
function tagOf({ ino, mtimeNs, size }: BigIntStats): string {
  return `${ino.toString(36)}-${mtimeNs.toString(36)}-${size.toString(36)}`
}

interface FileOriginInit extends Pick<Origin, 'isFolder' | 'files' | 'warnings'> {
  readonly within: string | undefined
}

class FileOrigin implements Origin {
  readonly kind = 'file'
  readonly reference: string
  readonly name: string
  readonly isFolder: boolean
  readonly files: readonly OriginFile[]
  readonly warnings: readonly OriginWarning[]
  /** Real path of a folder that no file may be outside of. */
  readonly #within: string | undefined

  constructor(root: string, { isFolder, files, warnings = [], within }: FileOriginInit) {
    this.warnings = warnings
    this.#within = within
    this.reference = root
    this.name = basename(root)
    this.isFolder = isFolder
    this.files = files
  }

  read(fileIndex: number, range: ByteRange, signal: AbortSignal): Readable {
    return Readable.from(this.#chunks(fileIndex, range, signal), { objectMode: false })
  }

  async *#chunks(fileIndex: number, { startByte, endByte }: ByteRange, signal: AbortSignal) {
    const handle = await this.openFile(fileIndex)
    try {
      for (let at = startByte; at < endByte;) {
        signal.throwIfAborted()
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, endByte - at))
        await this.#fill(handle, fileIndex, chunk, at)
        at += chunk.length
        // Checked before the last chunk is yielded: a reader that has received every byte has unchanged content.
        if (at === endByte) this.#compare(fileIndex, await handle.stat({ bigint: true }))
        yield chunk
      }
    } catch (error) {
      throw toOriginError(this.#pathOf(fileIndex), error)
    } finally {
      await handle.close()
    }
  }

  readonly openFile = async (fileIndex: number): Promise<FileHandle> => {
    const path = this.#pathOf(fileIndex)
    const handle = await withFileErrors(path, () => open(path))
    try {
      const stats = await handle.stat({ bigint: true })
      this.#compare(fileIndex, stats)
      if (this.#within !== undefined) await verifyInside(this.#within, path, stats)
      return handle
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async verifyUnchanged(fileIndex: number): Promise<void> {
    const path = this.#pathOf(fileIndex)
    this.#compare(fileIndex, await withFileErrors(path, () => stat(path, { bigint: true })))
  }

  async close(): Promise<void> {}

  async #fill(handle: FileHandle, fileIndex: number, target: Uint8Array, startByte: number): Promise<void> {
    for (let filled = 0; filled < target.length;) {
      const { bytesRead } = await handle.read(target, filled, target.length - filled, startByte + filled)
      if (bytesRead === 0) throw this.#changed(fileIndex)
      filled += bytesRead
    }
  }

  #compare(fileIndex: number, stats: BigIntStats): void {
    if (tagOf(stats) !== this.files[fileIndex]?.tag) throw this.#changed(fileIndex)
  }

  #changed(fileIndex: number): OriginError {
    return new OriginError(
      'changed',
      `${this.#pathOf(fileIndex)} changed while it was being read; try again when it is complete`,
    )
  }

  #pathOf(fileIndex: number): string {
    return join(this.reference, ...(this.files[fileIndex]?.path ?? []))
  }
}

/**
 * Verifies that an opened file is inside of a folder, although a link of its path may have been replaced since the folder
 * was listed: the real path is inside, and the file there is the opened one.
 */
async function verifyInside(folder: string, path: string, opened: BigIntStats): Promise<void> {
  const target = await withFileErrors(path, () => realpath(path))
  const found = await withFileErrors(path, () => lstat(target, { bigint: true }))
  if (!isInside(folder, target) || found.ino !== opened.ino || found.dev !== opened.dev)
    throw new OriginError('unusable', `${path} leads out of ${folder} now, through a link that was added`)
}

async function withFileErrors<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw toOriginError(path, error)
  }
}

/** 16 of a client's 16 KiB requests: few system calls, and little is read needlessly for a client that disconnects. */
const CHUNK_BYTES = 262_144
