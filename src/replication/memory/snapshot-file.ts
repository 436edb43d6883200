/**
 * The memory store's disk: one file of checked blocks, written beside the old one and then put in its place, so
 * that there is a whole snapshot whenever the process or the machine ends.
 */
import { type FileHandle, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { replaceFile } from '../../core/atomic-file.ts'
import type { Clock } from '../../core/clock.ts'
import { makeDirectory } from '../../core/make-directory.ts'
import type { Loaded, SnapshotStore } from '../site-store.ts'

/*
  File => big-endian
     0  byte[8]  magic "SSWARM\0\2", of which the last byte is the version
        Block[]  uint32 length, uint32 crc32 of the payload, payload
        End      uint32 0, uint32 number of blocks: without it the file was cut off
*/
const MAGIC = Buffer.from('SSWARM\0\x02', 'latin1')

/** Blocks are gathered up to this size before they are written. */
const WRITE_BYTES = 1 << 20

export class SnapshotFile implements SnapshotStore {
  readonly #path: string
  readonly #clock: Clock

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  async load(apply: (block: Buffer) => void): Promise<Loaded> {
    let bytes: Buffer
    try {
      bytes = await readFile(this.#path)
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

  /** Says what was wrong and where the file is now. A directory that cannot be written is no reason not to start. */
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
    // Made again where it was removed meanwhile: the next snapshot is then the first one.
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
    throw new Error('this is no snapshot of swarms')
  const version = bytes[MAGIC.length - 1]
  if (version !== MAGIC.at(-1))
    throw new Error(`this snapshot is of version ${version}, which this program does not read`)
  let at = MAGIC.length
  for (let count = 0; ; count++) {
    if (at + 8 > bytes.length) throw new Error(`it ends at byte ${bytes.length}, in the middle`)
    const length = bytes.readUInt32BE(at)
    const check = bytes.readUInt32BE(at + 4)
    at += 8
    if (length === 0) {
      if (check !== count) throw new Error(`it has ${count} blocks where ${check} were written`)
      return
    }
    const block = bytes.subarray(at, at + length)
    if (block.length < length) throw new Error(`it ends at byte ${bytes.length}, in the middle of a block`)
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
