/**
 * Writes of one turn of the event loop as one call of the kernel. A carrier answers a chunk of its source with a request
 * of 17 bytes for each block, and passes on the blocks that the chunk completed: without this, each is a call and a
 * packet of its own.
 */
import type { Writable } from 'node:stream'

export function batchedWrites(stream: Writable): (bytes: Buffer) => void {
  let isCorked = false
  const flush = () => {
    isCorked = false
    stream.uncork()
  }
  return (bytes) => {
    if (!isCorked) {
      isCorked = true
      stream.cork()
      process.nextTick(flush)
    }
    stream.write(bytes)
  }
}
