/**
 * From content to a torrent: names are checked before anything is read, and whether the content is still what it was
 * after the last byte. Nothing is written; whoever is interrupted has lost time alone.
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
  /** What the torrent is called; the origin's own name where it is undefined. */
  readonly name: string | undefined
  readonly isPrivate: boolean
  /** v1 and v2 in one. */
  readonly isHybrid: boolean
  /** Chosen by size where it is undefined. */
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
  /** Zeros between the files of a hybrid torrent, which v1 clients download. */
  readonly paddingBytes: number
  readonly pieceBytes: number
  readonly pieceCount: number
}

/** Rejects with an `InputError`; an `OriginError` where it is the source. */
export async function publishOrigin(origin: Origin, options: PublishOptions): Promise<Published> {
  const name = options.name ?? origin.name
  checkNames(origin, name, options.isHybrid)
  const contentBytes = contentBytesOf(origin)
  if (contentBytes === 0) {
    throw new OriginError('unusable', `${origin.reference}: there is not a byte in it; nothing to distribute`)
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

/** Names become names on the disks of thousands of hosts, and the first of them fails there. */
function checkNames(origin: Origin, name: string, isHybrid: boolean): void {
  checkName(name, 'the torrent; give it another with --name')
  for (const { path } of origin.files) {
    for (const part of path) checkName(part, `${origin.reference}; rename it`)
  }
  const only = origin.files.length === 1 ? origin.files[0] : undefined
  if (isHybrid && origin.isFolder && only?.path.length === 1 && only.path[0] === name) {
    throw new InputError(
      `${origin.reference} holds one file of its own name, which v2 clients take for a single file; ` +
        'publish the file itself, or choose another --name',
    )
  }
}

function checkName(name: string, where: string): void {
  if (!isFileName(name)) throw new InputError(`${JSON.stringify(name)} is no name for a file, in ${where}`)
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw new InputError(`a name of more than ${NAME_BYTES_MAX} bytes fits on no disk, in ${where}`)
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

/** What the usual file systems of Linux, macOS and Windows take. */
const NAME_BYTES_MAX = 255

/** For a bucket of many small objects; a bucket serves thousands of requests a second. */
const VERIFICATIONS_MAX = 16
