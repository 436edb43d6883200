/**
 * Memory for what the hosts will write. A virtual machine often gets a page from its host only when it is first written,
 * and gives free ones back within seconds. Writing is four times as slow then (0.3 GB/s, and 1.4 in memory that is at
 * hand), and in a flash crowd of 24 hosts the last was 10 s later: that measures the machine, not the swarm.
 *
 * So the memory disk is filled before the clock starts, and what fills it makes room as the hosts' files grow.
 */
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const FILLER_BYTES = 64 * 1024 * 1024
/** Free ahead of the writers: more than they write between two looks, less than the machine would give back. */
const AHEAD_BYTES = 512 * 1024 * 1024
const LOOK_MS = 200

export class WarmMemory {
  readonly #directory: string
  readonly #fillers: string[]
  readonly #fullBytes: number
  #timer: NodeJS.Timeout | undefined

  private constructor(directory: string, fillers: string[], fullBytes: number) {
    this.#directory = directory
    this.#fillers = fillers
    this.#fullBytes = fullBytes
  }

  /** Fills `bytes` of the memory disk on which `directory` is made. */
  static async fill(directory: string, bytes: number): Promise<WarmMemory> {
    await mkdir(directory)
    const ones = Buffer.alloc(1024 * 1024, 1)
    const fillers: string[] = []
    for (let leftBytes = bytes; leftBytes > 0; leftBytes -= FILLER_BYTES) {
      const path = join(directory, `${fillers.length}`)
      const file = await open(path, 'wx')
      try {
        for (let offset = 0; offset < Math.min(leftBytes, FILLER_BYTES); offset += ones.length)
          await file.write(ones)
      } finally {
        await file.close()
      }
      fillers.push(path)
    }
    const warm = new WarmMemory(directory, fillers, await usedBytes(directory))
    await warm.#makeRoom()
    return warm
  }

  /** Gives all that is left. */
  async end(): Promise<void> {
    this.#fillers.length = 0
    clearTimeout(this.#timer)
    await rm(this.#directory, { recursive: true })
  }

  async #makeRoom(): Promise<void> {
    let missingBytes = (await usedBytes(dirname(this.#directory))) + AHEAD_BYTES - this.#fullBytes
    for (; missingBytes > 0 && this.#fillers.length > 0; missingBytes -= FILLER_BYTES)
      await rm(this.#fillers.pop() ?? '', { force: true })
    if (this.#fillers.length > 0) this.#timer = setTimeout(() => void this.#makeRoom(), LOOK_MS)
  }
}

async function usedBytes(path: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(path)
  return (blocks - bfree) * bsize
}
