/**
 * Makes a torrent from an origin. Names are checked before any content is read, and all files are verified to be
 * unchanged after the last byte. Nothing is written, so an interruption has no effect.
 */
import { InputError } from '../core/errors.ts'
import { type Metainfo, readMetainfo } from '../metainfo/metainfo.ts'
import type { Origin } from '../origin/origin.ts'
import { OriginError } from '../origin/origin-error.ts'
import { isFileName } from './file-name.ts'
import { hashContent } from './hash-content.ts'
import { layOut } from './layout.ts'
import { choosePieceLength } from './piece-length.ts'
import { writeTorrent } from './write-torrent.ts'

export interface PublishOptions {
  /** Name of the torrent; undefined for the origin's own name. */
  readonly name: string | undefined
  readonly isPrivate: boolean
  /** Both v1 and v2. */
  readonly isHybrid: boolean
  /** undefined to choose it by size. */
  readonly pieceBytes: number | undefined
  readonly webSeeds: readonly string[]
  readonly createdBy: string
  readonly createdAtSeconds: number
  readonly signal: AbortSignal
  readonly onProgress: (doneBytes: number) => void
}

export interface Published {
  readonly metainfo: Metainfo
  readonly contentBytes: number
  /** Zeros between the files of a hybrid torrent, downloaded by v1 clients. */
  readonly paddingBytes: number
  readonly pieceBytes: number
  readonly pieceCount: number
}

/** Rejects with an `InputError`, or an `OriginError` for errors of the source. */
export async function publishOrigin(origin: Origin, options: PublishOptions): Promise<Published> {
  const name = options.name ?? origin.name
  checkNames(origin, name, options.isHybrid)
  const contentBytes = contentBytesOf(origin)
  if (contentBytes === 0) {
    throw new OriginError(
      'unusable',
      `${origin.reference}: the content has no bytes; there is nothing to distribute`,
    )
  }
  const pieceBytes = options.pieceBytes ?? choosePieceLength(contentBytes)
  const layout = layOut(origin.files, { pieceBytes, isHybrid: options.isHybrid })
  const hashes = await hashContent(origin, layout, options)
  await verifyAll(origin, options.signal)
  const bytes = writeTorrent(layout, hashes, { ...options, name, isFolder: origin.isFolder })
  const { paddingBytes, pieceCount } = layout
  return { metainfo: readMetainfo(bytes, name), contentBytes, paddingBytes, pieceBytes, pieceCount }
}

export function contentBytesOf({ files }: Origin): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** Every downloading host creates files with these names, so an invalid one is rejected here. */
function checkNames(origin: Origin, name: string, isHybrid: boolean): void {
  checkName(name, 'the name of the torrent; choose another with --name')
  for (const { path } of origin.files) {
    for (const part of path) checkName(part, `${origin.reference}; rename it`)
  }
  const only = origin.files.length === 1 ? origin.files[0] : undefined
  if (isHybrid && origin.isFolder && only?.path.length === 1 && only.path[0] === name) {
    throw new InputError(
      `${origin.reference} contains one file with the name of the folder, which v2 clients treat as a single file; ` +
        'publish the file itself, or choose another name with --name',
    )
  }
}

function checkName(name: string, where: string): void {
  if (!isFileName(name)) throw new InputError(`${JSON.stringify(name)} is not a valid file name, in ${where}`)
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw new InputError(
      `the name has more than ${NAME_BYTES_MAX} bytes, the maximum of common file systems, in ${where}`,
    )
  }
}

async function verifyAll(origin: Origin, signal: AbortSignal): Promise<void> {
  let next = 0
  const verify = async () => {
    while (next < origin.files.length) {
      signal.throwIfAborted()
      await origin.verifyUnchanged(next++, signal)
    }
  }
  await Promise.all(Array.from({ length: VERIFICATIONS_MAX }, verify))
}

/** Maximum of the common file systems of Linux, macOS and Windows. */
const NAME_BYTES_MAX = 255

/** Concurrent requests, for buckets with many small objects. Stores serve thousands of requests per second. */
const VERIFICATIONS_MAX = 16
