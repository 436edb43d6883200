/**
 * The content of a torrent as its v1 infohash describes it (BEP 3): one sequence of bytes, padding included, in pieces of
 * one size, each with a SHA-1.
 */
import { type BencodeValue, dictionaryEntries, integerOf, listItems } from '../bencode/value.ts'
import type { Metainfo } from './metainfo.ts'

export interface PieceHashes {
  /** With the padding of BEP 47. */
  readonly totalBytes: number
  readonly pieceBytes: number
  /** 20 bytes for each piece. A view into the torrent. */
  readonly hashes: Buffer
}

const HASH_BYTES = 20

/** undefined for a pure v2 torrent, and where the numbers contradict each other. */
export function pieceHashes({ bytes, infoEntries }: Metainfo): PieceHashes | undefined {
  const pieces = infoEntries.get('pieces')
  const pieceBytes = integerOf(bytes, infoEntries.get('piece length')) ?? 0
  const totalBytes = totalLength(bytes, infoEntries)
  if (pieces?.kind !== 'string' || totalBytes === undefined || !(pieceBytes > 0)) return undefined
  const hashes = bytes.subarray(pieces.contentStart, pieces.end)
  const isWhole = totalBytes > 0 && hashes.length === Math.ceil(totalBytes / pieceBytes) * HASH_BYTES
  return isWhole ? { totalBytes, pieceBytes, hashes } : undefined
}

/** A hybrid torrent has the lengths twice; these are the ones that its pieces cover. */
function totalLength(bytes: Buffer, infoEntries: ReadonlyMap<string, BencodeValue>): number | undefined {
  const files = infoEntries.get('files')
  if (files?.kind !== 'list') return lengthIn(integerOf(bytes, infoEntries.get('length')))
  let total = 0
  for (const file of listItems(bytes, files.start)) {
    const length = file.kind === 'dictionary' ? fileLength(bytes, file) : undefined
    if (length === undefined) return undefined
    total += length
  }
  return lengthIn(total)
}

function fileLength(bytes: Buffer, file: BencodeValue): number | undefined {
  for (const { key, value } of dictionaryEntries(bytes, file.start))
    if (key.toString('latin1') === 'length') return lengthIn(integerOf(bytes, value))
  return undefined
}

function lengthIn(length: number | undefined): number | undefined {
  return length !== undefined && Number.isSafeInteger(length) && length >= 0 ? length : undefined
}
