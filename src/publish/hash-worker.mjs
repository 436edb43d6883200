/**
 * Worker thread that hashes pieces. It reads files by descriptors that the main thread opened, or takes the bytes
 * from shared memory; no content is copied between threads.
 *
 * The only file in plain JavaScript: Node itself loads a worker thread, and Node 20 does not load TypeScript.
 * The messages are declared in hash-pool.ts.
 */
// @ts-check
import { createHash, hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

/** @import { FilePart, HashResult, HashJob, PieceShape, WorkerSetup } from './hash-pool.ts' */

const { memory } = /** @type {WorkerSetup} */ (workerData)

/** The leaves of the v2 tree (BEP 52). */
const BLOCK_BYTES = 16_384
const SHA1_BYTES = 20
const SHA256_BYTES = 32

/** Fits into the cache of one core, so a chunk is hashed before it is evicted. Reading 4 MiB took 3 times as long. */
const CHUNK_BYTES = 131_072

const chunk = new Uint8Array(CHUNK_BYTES)
/** Grows to the widest piece so far. */
let tree = Buffer.alloc(0)
const pair = Buffer.alloc(2 * SHA256_BYTES)

parentPort?.on('message', (/** @type {HashJob} */ job) => {
  const sha1 = new Uint8Array(job.pieces.length * SHA1_BYTES)
  const roots = new Uint8Array(job.isHybrid ? job.pieces.length * SHA256_BYTES : 0)
  /** @type {HashResult | undefined} */
  let result = { sha1, roots }
  try {
    let at = 0
    for (const [index, piece] of job.pieces.entries()) {
      const hashes = hashPiece(job, piece, at)
      sha1.set(hashes.sha1, index * SHA1_BYTES)
      if (job.isHybrid) roots.set(hashes.root, index * SHA256_BYTES)
      at += piece.lengthBytes
    }
  } catch {
    // The file became shorter, or the disk failed: the main thread reads it again and reports the error.
    result = undefined
  }
  parentPort?.postMessage(result)
})

/**
 * @param {HashJob} job
 * @param {PieceShape} piece
 * @param {number} pieceAt offset in the content of the job
 */
function hashPiece({ isHybrid, memoryStart, files }, { lengthBytes, contentBytes, leafCount }, pieceAt) {
  const whole = createHash('sha1')
  if (tree.length < leafCount * SHA256_BYTES) tree = Buffer.alloc(leafCount * SHA256_BYTES)
  let leaf = 0
  for (let done = 0; done < lengthBytes; done += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, lengthBytes - done)
    const bytes =
      files === undefined
        ? new Uint8Array(memory, memoryStart + pieceAt + done, length)
        : readChunk(files, pieceAt + done, length)
    whole.update(bytes)
    if (!isHybrid) continue
    const content = bytes.subarray(0, Math.max(0, contentBytes - done))
    for (let block = 0; block < content.length; block += BLOCK_BYTES) {
      const digest = hash('sha256', content.subarray(block, block + BLOCK_BYTES), 'buffer')
      tree.set(digest, leaf++ * SHA256_BYTES)
    }
  }
  return { sha1: whole.digest(), root: isHybrid ? rootOver(leaf, leafCount) : pair }
}

/**
 * Bytes between files are padding.
 *
 * @param {readonly FilePart[]} files
 * @param {number} at offset in the content of the job
 * @param {number} length
 */
function readChunk(files, at, length) {
  const bytes = chunk.subarray(0, length)
  let filled = 0
  for (const file of files) {
    const from = Math.max(file.at, at)
    const to = Math.min(file.at + file.lengthBytes, at + length)
    if (from >= to) continue
    bytes.fill(0, filled, from - at)
    for (let next = from; next < to;) {
      const read = readSync(file.descriptor, bytes, next - at, to - next, file.startByte + next - file.at)
      if (read === 0) throw new Error('the file became shorter')
      next += read
    }
    filled = to - at
  }
  bytes.fill(0, filled)
  return bytes
}

/**
 * Computes the root of the tree over the filled leaves; the remaining leaves are zero.
 *
 * @param {number} filledCount
 * @param {number} leafCount a power of two
 */
function rootOver(filledCount, leafCount) {
  tree.fill(0, filledCount * SHA256_BYTES, leafCount * SHA256_BYTES)
  for (let width = leafCount; width > 1; width /= 2) {
    for (let node = 0; node < width; node += 2) {
      tree.copy(pair, 0, node * SHA256_BYTES, (node + 2) * SHA256_BYTES)
      tree.set(hash('sha256', pair, 'buffer'), (node / 2) * SHA256_BYTES)
    }
  }
  return tree.subarray(0, SHA256_BYTES)
}
