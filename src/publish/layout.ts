/**
 * Where the bytes of each file are in the pieces.
 *
 * In v1 all files are one long string, cut into pieces (BEP 3). In a hybrid torrent each file begins with a piece of
 * its own, as in v2 (BEP 52), and the gap before it is a file of zeros that v1 clients download (BEP 47).
 */
import type { OriginFile } from '../origin/origin.ts'

export interface PlacedFile extends OriginFile {
  /** Position in the origin's list. */
  readonly fileIndex: number
  /** Of the long string. */
  readonly startByte: number
  /** Zeros that follow it. */
  readonly paddingBytes: number
}

export interface Layout {
  readonly pieceBytes: number
  readonly isHybrid: boolean
  readonly files: readonly PlacedFile[]
  /** Padding included. */
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
    // Behind the last file there is nothing to align. libtorrent pads even before empty files alone, and so do we:
    // the same content is to have the same infohash, whoever made the torrent.
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
  /** Of the file. */
  readonly startByte: number
  readonly lengthBytes: number
  /** Where it goes, from the beginning of the part that was asked for. */
  readonly at: number
}

/** What a part of the long string is made of, in order. Gaps between the segments are zeros. */
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

/** By halving: a folder may have a million files, and every part asks. Of the files that begin there, the first. */
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
