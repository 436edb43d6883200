/**
 * One thread that hashes pieces. It reads files by descriptors that the main thread opened, or finds the bytes in
 * memory that both share; no content is ever copied between threads.
 *
 * Plain JavaScript, the only such file: a thread is started by Node itself, and Node 20 reads no TypeScript.
 * The messages are declared in hash-pool.ts.
 */
// @ts-check
import { createHash, hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

/** @import { FilePart, HashAnswer, HashJob, PieceShape, WorkerSetup } from './hash-pool.ts' */

const { memory } = /** @type {WorkerSetup} */ (workerData)

/** The leaves of the v2 tree (BEP 52). */
const BLOCK_BYTES = 16_384
const SHA1_BYTES = 20
const SHA256_BYTES = 32

/** Fits into the cache of one core: what was read is hashed before it leaves. Reading 4 MiB took 3 times as long. */
const CHUNK_BYTES = 131_072

const chunk = new Uint8Array(CHUNK_BYTES)
/** As wide as the widest piece that came so far. */
let tree = Buffer.alloc(0)
const pair = Buffer.alloc(2 * SHA256_BYTES)

parentPort?.on('message', (/** @type {HashJob} */ job) => {
  const sha1 = new Uint8Array(job.pieces.length * SHA1_BYTES)
  const roots = new Uint8Array(job.isHybrid ? job.pieces.length * SHA256_BYTES : 0)
  /** @type {HashAnswer | undefined} */
  let answer = { sha1, roots }
  try {
    let at = 0
    for (const [index, piece] of job.pieces.entries()) {
      const hashes = hashPiece(job, piece, at)
      sha1.set(hashes.sha1, index * SHA1_BYTES)
      if (job.isHybrid) roots.set(hashes.root, index * SHA256_BYTES)
      at += piece.lengthBytes
    }
  } catch {
    // The file became shorter, or the disk fails: the main thread reads it again, and says what it is.
    answer = undefined
  }
  parentPort?.postMessage(answer)
})

/**
 * @param {HashJob} job
 * @param {PieceShape} piece
 * @param {number} pieceAt from the beginning of the job
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
 * What is in no file is padding.
 *
 * @param {readonly FilePart[]} files
 * @param {number} at from the beginning of the job
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
      if (read === 0) throw new Error('the file is shorter than it was')
      next += read
    }
    filled = to - at
  }
  bytes.fill(0, filled)
  return bytes
}

/**
 * The root of the tree over the leaves that there are; those beyond are zero.
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
