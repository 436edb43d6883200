/**
 * Computes the root of each file from the roots of its pieces (BEP 52). In a file longer than a piece they form a
 * layer of its tree.
 */
import { layerRoot } from '../metainfo/layer-root.ts'
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
  return { root: layerRoot(layer, layout.pieceBytes), layer }
}

const HASH_BYTES = 32
