/**
 * The snapshot of the memory store: one file of blocks with checksums. A new one is written beside the old one and then
 * renamed over it, so that a complete snapshot exists whenever the process or the machine ends.
 */
import { type FileHandle, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { replaceFile } from '../../core/atomic-file.ts'
import type { Clock } from '../../core/clock.ts'
import { makeDirectory } from '../../core/make-directory.ts'
import { readRegularFile } from '../../core/regular-file.ts'
import type { LoadedSnapshot, SnapshotStore } from '../site-store.ts'

/*
  File => big-endian
     0  byte[8]  magic "SSWARM\0\2"; the last byte is the version
        Block[]  uint32 length, uint32 crc32 of the payload, payload
        End      uint32 0, uint32 number of blocks; a file without it is truncated
*/
const MAGIC = Buffer.from('SSWARM\0\x02', 'latin1')

/** Size up to which blocks are gathered before they are written. */
const WRITE_BYTES = 1 << 20

export class SnapshotFile implements SnapshotStore {
  readonly #path: string
  readonly #clock: Clock

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  async load(apply: (block: Buffer) => void): Promise<LoadedSnapshot> {
    let bytes: Buffer
    try {
      bytes = await readRegularFile(this.#path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { blocks: 0, damage: undefined }
      return { blocks: 0, damage: await this.#setAside(error) }
    }
    let blocks = 0
    try {
      for (const block of readBlocks(bytes)) {
        apply(block)
        blocks++
        await yieldToEventLoop()
      }
      return { blocks, damage: undefined }
    } catch (error) {
      return { blocks, damage: await this.#setAside(error) }
    }
  }

  /** Returns the problem and the new place of the file. A directory that cannot be written must not prevent the start. */
  async #setAside(error: unknown): Promise<string> {
    const aside = `${this.#path}.damaged-${this.#clock.nowMs()}`
    const { message } = error as Error
    try {
      await rename(this.#path, aside)
      return `${message}; kept as ${aside}`
    } catch (failure) {
      return `${message}; it could not be set aside: ${(failure as Error).message}`
    }
  }

  async save(blocks: Iterable<Buffer>): Promise<void> {
    // The directory may have been removed since the previous snapshot.
    await makeDirectory(dirname(this.#path))
    await replaceFile(this.#path, 0o600, (file) => writeBlocks(file, blocks))
  }
}

async function writeBlocks(file: FileHandle, blocks: Iterable<Buffer>): Promise<void> {
  let gathered: Buffer[] = [MAGIC]
  let gatheredBytes = MAGIC.length
  let count = 0
  const flush = async () => {
    await file.writev(gathered)
    gathered = []
    gatheredBytes = 0
  }
  for (const block of blocks) {
    gathered.push(pair(block.length, crc32(block)), block)
    gatheredBytes += block.length + 8
    count++
    if (gatheredBytes >= WRITE_BYTES) await flush()
    else await yieldToEventLoop()
  }
  gathered.push(pair(0, count))
  await flush()
}

function* readBlocks(bytes: Buffer): Generator<Buffer> {
  if (!bytes.subarray(0, MAGIC.length - 1).equals(MAGIC.subarray(0, -1)))
    throw new Error('the file is not a snapshot of swarms')
  const version = bytes[MAGIC.length - 1]
  if (version !== MAGIC.at(-1))
    throw new Error(`the snapshot has version ${version}, which this program does not read`)
  let at = MAGIC.length
  for (let count = 0; ; count++) {
    if (at + 8 > bytes.length) throw new Error(`the file is truncated at byte ${bytes.length}`)
    const length = bytes.readUInt32BE(at)
    const check = bytes.readUInt32BE(at + 4)
    at += 8
    if (length === 0) {
      if (check !== count) throw new Error(`the file has ${count} blocks, but ${check} were written`)
      return
    }
    const block = bytes.subarray(at, at + length)
    if (block.length < length)
      throw new Error(`the file is truncated at byte ${bytes.length}, inside a block`)
    if (crc32(block) !== check) throw new Error(`the block at byte ${at} does not match its checksum`)
    yield block
    at += length
  }
}

function pair(first: number, second: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeUInt32BE(first, 0)
  bytes.writeUInt32BE(second, 4)
  return bytes
}
