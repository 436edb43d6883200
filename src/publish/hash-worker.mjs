/**
 * One thread that hashes pieces. It gets positions in memory that it shares with the main thread, and answers with
 * the hashes: no content is ever copied between threads.
 *
 * Plain JavaScript, the only such file: a thread is started by Node itself, and Node 20 reads no TypeScript.
 * The messages are declared in hash-pool.ts.
 */
// @ts-check
import { hash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'

/** @import { HashAnswer, HashJob, WorkerSetup } from './hash-pool.ts' */

const { memory } = /** @type {WorkerSetup} */ (workerData)

/** The leaves of the v2 tree (BEP 52). */
const BLOCK_BYTES = 16_384
const SHA1_BYTES = 20
const SHA256_BYTES = 32

/** As wide as the widest piece that came so far. */
let tree = Buffer.alloc(0)
const pair = Buffer.alloc(2 * SHA256_BYTES)

parentPort?.on('message', (/** @type {HashJob} */ { pieces, isHybrid }) => {
  const sha1 = new Uint8Array(pieces.length * SHA1_BYTES)
  const roots = new Uint8Array(isHybrid ? pieces.length * SHA256_BYTES : 0)
  for (const [index, piece] of pieces.entries()) {
    const bytes = new Uint8Array(memory, piece.startByte, piece.lengthBytes)
    sha1.set(hash('sha1', bytes, 'buffer'), index * SHA1_BYTES)
    if (isHybrid) {
      roots.set(rootOf(bytes.subarray(0, piece.contentBytes), piece.leafCount), index * SHA256_BYTES)
    }
  }
  /** @type {HashAnswer} */
  const answer = { sha1, roots }
  parentPort?.postMessage(answer)
})

/**
 * The root of a tree over the blocks; leaves beyond the content are zero.
 *
 * @param {Uint8Array} content
 * @param {number} leafCount a power of two
 */
function rootOf(content, leafCount) {
  if (tree.length < leafCount * SHA256_BYTES) tree = Buffer.alloc(leafCount * SHA256_BYTES)
  const blockCount = Math.ceil(content.length / BLOCK_BYTES)
  for (let block = 0; block < blockCount; block++) {
    const bytes = content.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
    tree.set(hash('sha256', bytes, 'buffer'), block * SHA256_BYTES)
  }
  tree.fill(0, blockCount * SHA256_BYTES, leafCount * SHA256_BYTES)
  for (let width = leafCount; width > 1; width /= 2) {
    for (let node = 0; node < width; node += 2) {
      tree.copy(pair, 0, node * SHA256_BYTES, (node + 2) * SHA256_BYTES)
      tree.set(hash('sha256', pair, 'buffer'), (node / 2) * SHA256_BYTES)
    }
  }
  return tree.subarray(0, SHA256_BYTES)
}
