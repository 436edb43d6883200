/**
 * Pre-faults the memory that the hosts' files will use. A virtual machine often gets a page from its host only on the
 * first write, and returns free pages within seconds. Writing is four times as slow then (0.3 GB/s instead of 1.4), and
 * the last of 24 hosts in a flash crowd finished 10 s later: that measures the machine, not the swarm.
 *
 * The memory disk is filled before the clock starts, and the filler files are removed as the hosts' files grow.
 */
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const FILLER_BYTES = 64 * 1024 * 1024
/** Kept free ahead of the writers: more than they write between two polls, less than the machine would return to its host. */
const AHEAD_BYTES = 512 * 1024 * 1024
const POLL_INTERVAL_MS = 200

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

  /** Creates `directory` and fills `bytes` of the memory disk that contains it. */
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

  /** Removes the remaining filler files. */
  async end(): Promise<void> {
    this.#fillers.length = 0
    clearTimeout(this.#timer)
    await rm(this.#directory, { recursive: true })
  }

  async #makeRoom(): Promise<void> {
    let missingBytes = (await usedBytes(dirname(this.#directory))) + AHEAD_BYTES - this.#fullBytes
    for (; missingBytes > 0 && this.#fillers.length > 0; missingBytes -= FILLER_BYTES)
      await rm(this.#fillers.pop() ?? '', { force: true })
    if (this.#fillers.length > 0) this.#timer = setTimeout(() => void this.#makeRoom(), POLL_INTERVAL_MS)
  }
}

async function usedBytes(path: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(path)
  return (blocks - bfree) * bsize
}
