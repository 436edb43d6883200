/**
 * The root of a file from the roots of its pieces, a layer of its hash tree (BEP 52). Beyond the end of the file the layer
 * is filled with the root of a piece of zero leaves.
 */
import { createHash } from 'node:crypto'

/** `layer` has at least one hash of 32 bytes. */
export function layerRoot(layer: Buffer, pieceBytes: number): Buffer {
  let level = layer
  // A missing node one level up is the hash of two missing nodes.
  let missing = zeroPieceRoot(pieceBytes)
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
