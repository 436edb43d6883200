/**
 * Maps the bytes of each file to pieces.
 *
 * In v1 all files are concatenated and cut into pieces (BEP 3). In a hybrid torrent each file starts at a piece
 * boundary, as in v2 (BEP 52), and the gap before it is a padding file of zeros that v1 clients download (BEP 47).
 */
import type { OriginFile } from '../origin/origin.ts'

export interface PlacedFile extends OriginFile {
  /** Index in the origin's file list. */
  readonly fileIndex: number
  /** Offset in the concatenation. */
  readonly startByte: number
  /** Zeros after the file. */
  readonly paddingBytes: number
}

export interface Layout {
  readonly pieceBytes: number
  readonly isHybrid: boolean
  readonly files: readonly PlacedFile[]
  /** Includes padding. */
  readonly totalBytes: number
  readonly paddingBytes: number
  readonly pieceCount: number
}

export function layOut(
  files: readonly OriginFile[],
  { pieceBytes, isHybrid }: Pick<Layout, 'pieceBytes' | 'isHybrid'>,
): Layout {
  const placed: PlacedFile[] = []
  let startByte = 0
  for (const [fileIndex, file] of files.entries()) {
    // The last file needs no padding. libtorrent also pads before a trailing empty file; matching it gives the same
    // infohash for the same content.
    const paddingBytes =
      isHybrid && fileIndex < files.length - 1 ? (pieceBytes - (file.sizeBytes % pieceBytes)) % pieceBytes : 0
    placed.push({ ...file, fileIndex, startByte, paddingBytes })
    startByte += file.sizeBytes + paddingBytes
  }
  return {
    pieceBytes,
    isHybrid,
    files: placed,
    totalBytes: startByte,
    paddingBytes: placed.reduce((sum, file) => sum + file.paddingBytes, 0),
    pieceCount: Math.ceil(startByte / pieceBytes),
  }
}

export interface Segment {
  readonly fileIndex: number
  /** Offset in the file. */
  readonly startByte: number
  readonly lengthBytes: number
  /** Offset in the requested part. */
  readonly at: number
}

/** Returns the file segments of a part of the concatenation, in order. Gaps between them are zeros. */
export function segmentsOf(
  { files }: Layout,
  part: { readonly startByte: number; readonly endByte: number },
): Segment[] {
  const segments: Segment[] = []
  for (let index = firstFileAt(files, part.startByte); index < files.length; index++) {
    const file = files[index] as PlacedFile
    if (file.startByte >= part.endByte) break
    const startByte = Math.max(part.startByte, file.startByte)
    const endByte = Math.min(part.endByte, file.startByte + file.sizeBytes)
    if (startByte >= endByte) continue
    segments.push({
      fileIndex: file.fileIndex,
      startByte: startByte - file.startByte,
      lengthBytes: endByte - startByte,
      at: startByte - part.startByte,
    })
  }
  return segments
}

/** Finds the first file that ends after `atByte`, by binary search: a folder may have a million files, and every part searches. */
export function firstFileAt(files: readonly PlacedFile[], atByte: number): number {
  let low = 0
  let high = files.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const { startByte, sizeBytes } = files[middle] as PlacedFile
    if (startByte + sizeBytes <= atByte) low = middle + 1
    else high = middle
  }
  return low
}
