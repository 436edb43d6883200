/**
 * All hashes of a torrent, in one pass over its content.
 *
 * Memory is one block that all threads share, divided into slots. The main thread has slots filled in the order of
 * the content, several at a time; a full one goes to the next free thread, and is free again when its hashes are
 * back. So the ceiling does not depend on the size of the content, and neither reading nor hashing waits for the
 * other. The slowest of disk, network and processors sets the pace.
 */
import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'
import { assert } from '../core/assert.ts'
import type { Origin } from '../origin/origin.ts'
import { HashPool, type PiecePosition } from './hash-pool.ts'
import { firstFileAt, type Layout, type PlacedFile, segmentsOf } from './layout.ts'

export interface ContentHashes {
  /** SHA-1 of each piece, 20 bytes each. */
  readonly pieces: Buffer
  /** Root of the tree over each piece, 32 bytes each; empty unless hybrid. */
  readonly pieceRoots: Buffer
}

export interface HashOptions {
  readonly signal: AbortSignal
  /** Called after each slot, with bytes of content, padding left out. */
  readonly onProgress: (doneBytes: number) => void
}

/** Rejects with what the origin rejects with. */
export async function hashContent(
  origin: Origin,
  layout: Layout,
  { signal, onProgress }: HashOptions,
): Promise<ContentHashes> {
  const hashes = {
    pieces: Buffer.alloc(layout.pieceCount * SHA1_BYTES),
    pieceRoots: Buffer.alloc(layout.isHybrid ? layout.pieceCount * SHA256_BYTES : 0),
  }
  const slotBytes = Math.max(layout.pieceBytes, SLOT_BYTES_MIN)
  const workerCount = Math.min(availableParallelism(), WORKERS_MAX, Math.ceil(layout.totalBytes / slotBytes))
  const slotCount = Math.min(2 * workerCount + 1, SLOTS_BYTES_MAX / slotBytes)
  const memory = new SharedArrayBuffer(slotCount * slotBytes)
  const pool = new HashPool(workerCount, memory)
  const stop = new AbortController()
  const stopped = AbortSignal.any([signal, stop.signal])

  let nextByte = 0
  let doneBytes = 0
  const fillAndHash = async (slot: number): Promise<void> => {
    while (nextByte < layout.totalBytes) {
      stopped.throwIfAborted()
      const part = { startByte: nextByte, endByte: Math.min(nextByte + slotBytes, layout.totalBytes) }
      nextByte = part.endByte
      const target = new Uint8Array(memory, slot * slotBytes, part.endByte - part.startByte)
      const filledBytes = await fill(origin, layout, { part, target, signal: stopped })
      const job = { pieces: piecesOf(layout, part, slot * slotBytes), isHybrid: layout.isHybrid }
      const answer = await pool.run(job)
      const firstPiece = part.startByte / layout.pieceBytes
      hashes.pieces.set(answer.sha1, firstPiece * SHA1_BYTES)
      if (layout.isHybrid) hashes.pieceRoots.set(answer.roots, firstPiece * SHA256_BYTES)
      doneBytes += filledBytes
      onProgress(doneBytes)
    }
  }
  // One loop per slot: each takes the next part of the content when it is free, so parts are read in order.
  const loops = Array.from({ length: slotCount }, (_, slot) => fillAndHash(slot))
  try {
    await Promise.all(loops)
    return hashes
  } finally {
    stop.abort()
    await pool.close()
    // Nothing is read any more when the caller closes the origin.
    await Promise.allSettled(loops)
  }
}

interface Filling {
  readonly part: { readonly startByte: number; readonly endByte: number }
  readonly target: Uint8Array
  readonly signal: AbortSignal
}

/** Returns how many bytes of content there were. */
async function fill(origin: Origin, layout: Layout, { part, target, signal }: Filling): Promise<number> {
  const segments = segmentsOf(layout, part)
  let filledBytes = 0
  for (const { fileIndex, startByte, lengthBytes, at } of segments) {
    signal.throwIfAborted()
    // What an earlier part left in the memory is no padding.
    if (at > filledBytes) target.fill(0, filledBytes, at)
    const into = target.subarray(at, at + lengthBytes)
    if (origin.readInto !== undefined) await origin.readInto(fileIndex, startByte, into)
    else {
      const range = { startByte, endByte: startByte + lengthBytes }
      await readAll(origin.read(fileIndex, range, signal), into)
    }
    filledBytes = at + lengthBytes
  }
  target.fill(0, filledBytes)
  return segments.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
}

async function readAll(stream: Readable, target: Uint8Array): Promise<void> {
  let at = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    target.set(chunk, at)
    at += chunk.length
  }
  assert(at === target.length, 'an origin gives all of a range, or an error')
}

function piecesOf(layout: Layout, part: Filling['part'], slotStart: number): PiecePosition[] {
  const { pieceBytes, files, isHybrid } = layout
  const positions: PiecePosition[] = []
  for (let startByte = part.startByte; startByte < part.endByte; startByte += pieceBytes) {
    const lengthBytes = Math.min(pieceBytes, part.endByte - startByte)
    const position = { startByte: slotStart + startByte - part.startByte, lengthBytes }
    positions.push({
      ...position,
      ...(isHybrid
        ? treeOf(files[firstFileAt(files, startByte)] as PlacedFile, startByte, pieceBytes)
        : NO_TREE),
    })
  }
  return positions
}

/** A piece of a hybrid torrent belongs to one file. The tree of a file that fits into a piece is just wide enough. */
function treeOf(file: PlacedFile, startByte: number, pieceBytes: number) {
  const contentBytes = Math.min(pieceBytes, file.startByte + file.sizeBytes - startByte)
  const widthBytes = Math.min(pieceBytes, file.sizeBytes)
  return { contentBytes, leafCount: 2 ** Math.ceil(Math.log2(Math.ceil(widthBytes / BLOCK_BYTES))) }
}

const NO_TREE = { contentBytes: 0, leafCount: 0 }

const SHA1_BYTES = 20
const SHA256_BYTES = 32
/** The leaves of the v2 tree (BEP 52). */
const BLOCK_BYTES = 16_384

/**
 * Small pieces are hashed several at a time: a message to a thread costs as much as hashing some 50 KB. Also the
 * size of a request to an HTTP or S3 origin, which charges by the request.
 */
const SLOT_BYTES_MIN = 4_194_304

/** Four of the largest pieces. With Node itself and eight threads, a process stays below 200 MiB. */
const SLOTS_BYTES_MAX = 67_108_864

/** At a gigabyte a second each, more than any disk or network card delivers. */
const WORKERS_MAX = 8
