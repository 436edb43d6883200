/**
 * A file or a folder on this machine as a source of content.
 *
 * A file is the same as long as its inode, size and modification time are. That is looked at when it is opened, at
 * the first and the last byte that is read through a handle, and whenever `verifyUnchanged` asks by its name, so
 * that a file that was replaced by a new one is noticed as well as one that was written into.
 */
import type { BigIntStats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { walkFolder } from './folder.ts'
import type { ByteRange, Origin, OriginFile } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { explainFileError } from './file-trouble.ts'

/** `reference`: a path, or a `file://` URL. */
export async function openFileOrigin(reference: string, signal: AbortSignal): Promise<Origin> {
  const root = resolve(/^file:\/\//i.test(reference) ? fileURLToPath(reference) : reference)
  const found = await explained(root, () => stat(root, { bigint: true }))
  if (found.isFile()) {
    const file = { path: [], sizeBytes: Number(found.size), tag: tagOf(found) }
    return new FileOrigin(root, false, [file])
  }
  if (!found.isDirectory()) throw new OriginError('unusable', `${root}: neither a file nor a folder`)

  const files: OriginFile[] = []
  for await (const { path, stats } of walkFolder(root, signal)) {
    files.push({ path, sizeBytes: Number(stats.size), tag: tagOf(stats) })
  }
  if (files.length === 0) throw new OriginError('unusable', `${root}: there is no file in this folder`)
  return new FileOrigin(root, true, files)
}

/** Inode and time first: they change oftener than the size. */
function tagOf({ ino, mtimeNs, size }: BigIntStats): string {
  return `${ino.toString(36)}-${mtimeNs.toString(36)}-${size.toString(36)}`
}

class FileOrigin implements Origin {
  readonly kind = 'file'
  readonly reference: string
  readonly name: string
  readonly isFolder: boolean
  readonly files: readonly OriginFile[]

  constructor(root: string, isFolder: boolean, files: readonly OriginFile[]) {
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
        // Before the last bytes leave, so that a reader who has all of them has the right ones.
        if (at === endByte) this.#compare(fileIndex, await handle.stat({ bigint: true }))
        yield chunk
      }
    } catch (error) {
      throw explainFileError(this.#pathOf(fileIndex), error)
    } finally {
      await handle.close()
    }
  }

  readonly openFile = async (fileIndex: number): Promise<FileHandle> => {
    const path = this.#pathOf(fileIndex)
    const handle = await explained(path, () => open(path))
    try {
      this.#compare(fileIndex, await handle.stat({ bigint: true }))
      return handle
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async verifyUnchanged(fileIndex: number): Promise<void> {
    const path = this.#pathOf(fileIndex)
    this.#compare(fileIndex, await explained(path, () => stat(path, { bigint: true })))
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
      `${this.#pathOf(fileIndex)} was changed while it was read; begin again when it is complete`,
    )
  }

  #pathOf(fileIndex: number): string {
    return join(this.reference, ...(this.files[fileIndex]?.path ?? []))
  }
}

async function explained<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw explainFileError(path, error)
  }
}

/** Four of a client's 16 KiB requests by four: few calls, and little that is read for somebody who hangs up. */
const CHUNK_BYTES = 262_144
