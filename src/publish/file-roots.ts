/**
 * Computes the root of each file from the roots of its pieces (BEP 52). In a file longer than a piece they form a
 * layer of its tree. Beyond the end of the file the layer is filled with the root of a piece of zero leaves.
 */
import { createHash } from 'node:crypto'
import type { Layout, PlacedFile } from './layout.ts'

export interface FileTree {
  /** 32 bytes; undefined for an empty file. */
  readonly root: Buffer | undefined
  /** The roots of its pieces; undefined for a single piece. */
  readonly layer: Buffer | undefined
}

export function fileTree(layout: Layout, file: PlacedFile, pieceRoots: Buffer): FileTree {
  if (file.sizeBytes === 0) return { root: undefined, layer: undefined }
  const first = file.startByte / layout.pieceBytes
  const count = Math.ceil(file.sizeBytes / layout.pieceBytes)
  const layer = pieceRoots.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES)
  if (count === 1) return { root: layer, layer: undefined }
  return { root: rootOf(layer, zeroPieceRoot(layout.pieceBytes)), layer }
}

/** `beyond`: the hash of a missing node of the layer. A missing node one level up is the hash of two of them. */
function rootOf(layer: Buffer, beyond: Buffer): Buffer {
  let level = layer
  let missing = beyond
  while (level.length > HASH_BYTES) {
    const above: Buffer[] = []
    for (let at = 0; at < level.length; at += 2 * HASH_BYTES) {
      const pair = level.subarray(at, at + 2 * HASH_BYTES)
      above.push(sha256(pair.length === 2 * HASH_BYTES ? pair : Buffer.concat([pair, missing])))
    }
    level = Buffer.concat(above)
    missing = sha256(Buffer.concat([missing, missing]))
  }
  return level
}

function zeroPieceRoot(pieceBytes: number): Buffer {
  let root: Buffer = Buffer.alloc(HASH_BYTES)
  for (let bytes = BLOCK_BYTES; bytes < pieceBytes; bytes *= 2) root = sha256(Buffer.concat([root, root]))
  return root
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

const HASH_BYTES = 32
const BLOCK_BYTES = 16_384
