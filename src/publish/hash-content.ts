/**
 * Computes all hashes of a torrent while reading its content once.
 *
 * The content is divided into parts. Several are processed at a time, started in order. A part in files of this
 * machine is read by the thread that hashes it, so that the bytes stay in the cache of that core. Bytes from the
 * network are read into a slot of shared memory and hashed there. Memory use does not depend on the size of the
 * content, and the slowest of disk, network and processors determines the throughput.
 */
import type { FileHandle } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'
import { assert } from '../core/assert.ts'
import type { Origin } from '../origin/origin.ts'
import { type FilePart, type HashResult, HashPool, type PieceShape } from './hash-pool.ts'
import { firstFileAt, type Layout, type PlacedFile, type Segment, segmentsOf } from './layout.ts'

export interface ContentHashes {
  /** SHA-1 of each piece, 20 bytes each. */
  readonly pieces: Buffer
  /** Root of the hash tree of each piece, 32 bytes each; empty unless hybrid. */
  readonly pieceRoots: Buffer
}

export interface HashOptions {
  readonly signal: AbortSignal
  /** Called after each part with the content bytes hashed so far, without padding. */
  readonly onProgress: (doneBytes: number) => void
}

/** Rejects with the errors of the origin. */
export async function hashContent(
  origin: Origin,
  layout: Layout,
  { signal, onProgress }: HashOptions,
): Promise<ContentHashes> {
  const hashes = {
    pieces: Buffer.alloc(layout.pieceCount * SHA1_BYTES),
    pieceRoots: Buffer.alloc(layout.isHybrid ? layout.pieceCount * SHA256_BYTES : 0),
  }
  const partBytes = Math.max(layout.pieceBytes, PART_BYTES_MIN)
  const partCount = Math.ceil(layout.totalBytes / partBytes)
  // One more than the processors, so that none is idle while a thread waits for the disk.
  const workerCount = Math.min(availableParallelism() + 1, WORKERS_MAX, partCount)
  const slotCount = Math.min(2 * workerCount, SLOTS_BYTES_MAX / partBytes)
  const memory = new SharedArrayBuffer(slotCount * partBytes)
  const pool = new HashPool(workerCount, memory)
  const stop = new AbortController()
  const reader = { origin, layout, pool, memory, signal: AbortSignal.any([signal, stop.signal]) }

  let nextByte = 0
  let doneBytes = 0
  const hashParts = async (slot: number): Promise<void> => {
    while (nextByte < layout.totalBytes) {
      reader.signal.throwIfAborted()
      const part = { startByte: nextByte, endByte: Math.min(nextByte + partBytes, layout.totalBytes) }
      nextByte = part.endByte
      const segments = segmentsOf(layout, part)
      const result = await hashPart(reader, { ...part, segments, memoryStart: slot * partBytes })
      const firstPiece = part.startByte / layout.pieceBytes
      hashes.pieces.set(result.sha1, firstPiece * SHA1_BYTES)
      if (layout.isHybrid) hashes.pieceRoots.set(result.roots, firstPiece * SHA256_BYTES)
      for (const { lengthBytes } of segments) doneBytes += lengthBytes
      onProgress(doneBytes)
    }
  }
  // One loop per slot: each takes the next part when its slot is free, so parts are started in order.
  const loops = Array.from({ length: slotCount }, (_, slot) => hashParts(slot))
  try {
    await Promise.all(loops)
    return hashes
  } finally {
    stop.abort()
    await pool.close()
    // All reads end before the caller closes the origin.
    await Promise.allSettled(loops)
  }
}

interface Reader {
  readonly origin: Origin
  readonly layout: Layout
  readonly pool: HashPool
  readonly memory: SharedArrayBuffer
  readonly signal: AbortSignal
}

interface Part {
  readonly startByte: number
  readonly endByte: number
  readonly segments: readonly Segment[]
  /** Offset of its slot in the shared memory. */
  readonly memoryStart: number
}

async function hashPart(reader: Reader, part: Part): Promise<HashResult> {
  const { layout, pool } = reader
  const { memoryStart, segments } = part
  const job = { pieces: shapesOf(layout, part), isHybrid: layout.isHybrid, memoryStart }
  const openFile = reader.origin.openFile
  if (openFile !== undefined && segments.length <= FILES_OPEN_MAX) {
    const result = await withFiles(openFile, segments, (files) => pool.run({ ...job, files }))
    // A thread reports a read error without its cause. Reading again through the origin throws the right error.
    if (result !== undefined) return result
  }
  await fill(reader, part)
  const result = await pool.run({ ...job, files: undefined })
  assert(result !== undefined, 'content in memory can always be hashed')
  return result
}

async function withFiles<Result>(
  openFile: NonNullable<Origin['openFile']>,
  segments: readonly Segment[],
  work: (files: readonly FilePart[]) => Promise<Result>,
): Promise<Result> {
  const opened: FileHandle[] = []
  try {
    const files: FilePart[] = []
    for (const { fileIndex, ...where } of segments) {
      const handle = await openFile(fileIndex)
      opened.push(handle)
      files.push({ ...where, descriptor: handle.fd })
    }
    return await work(files)
  } finally {
    for (const handle of opened) await handle.close()
  }
}

async function fill({ origin, memory, signal }: Reader, part: Part): Promise<void> {
  const target = new Uint8Array(memory, part.memoryStart, part.endByte - part.startByte)
  let filledBytes = 0
  for (const { fileIndex, startByte, lengthBytes, at } of part.segments) {
    signal.throwIfAborted()
    // Padding must be zero: the slot still contains bytes of an earlier part.
    target.fill(0, filledBytes, at)
    const range = { startByte, endByte: startByte + lengthBytes }
    await readAll(origin.read(fileIndex, range, signal), target.subarray(at, at + lengthBytes))
    filledBytes = at + lengthBytes
  }
  target.fill(0, filledBytes)
}

async function readAll(stream: Readable, target: Uint8Array): Promise<void> {
  let at = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    target.set(chunk, at)
    at += chunk.length
  }
  assert(at === target.length, 'an origin returns the complete range or an error')
}

function shapesOf(layout: Layout, part: Part): PieceShape[] {
  const { pieceBytes, files, isHybrid } = layout
  const shapes: PieceShape[] = []
  for (let startByte = part.startByte; startByte < part.endByte; startByte += pieceBytes) {
    const lengthBytes = Math.min(pieceBytes, part.endByte - startByte)
    const tree = isHybrid
      ? treeOf(files[firstFileAt(files, startByte)] as PlacedFile, startByte, pieceBytes)
      : NO_TREE
    shapes.push({ lengthBytes, ...tree })
  }
  return shapes
}

/** A piece of a hybrid torrent belongs to one file. A file of at most one piece has the smallest tree that holds its blocks. */
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
 * Small pieces are hashed several at a time: a message to a thread costs as much as hashing about 50 KB. This is also
 * the size of a request to an HTTP or S3 origin; stores charge per request.
 */
const PART_BYTES_MIN = 4_194_304

/** Four of the largest pieces. The whole process with all threads stays below 200 MiB. */
const SLOTS_BYTES_MAX = 67_108_864

/** At a gigabyte per second each, more than a disk or network card delivers. */
const WORKERS_MAX = 8

/** A part with more files is read one file after the other: the usual limit is a thousand open files per process. */
const FILES_OPEN_MAX = 8
