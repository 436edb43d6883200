/**
 * A registered torrent, and the note that the store keeps beside it: the origin of its content, and metadata of the
 * torrent, so that a list of thousands reads none of them.
 *
 * A torrent may have no note, such as a file that was copied into the directory; its metadata is then read from the
 * torrent itself.
 */
import { infoHashKey } from '../core/info-hash.ts'
import type { Metainfo } from '../metainfo/metainfo.ts'
import type { RegisteredTorrent } from '../replication/site-store.ts'

export interface Registration {
  /** 20 bytes each: v1, and the first 20 of v2. */
  readonly infoHashes: readonly Buffer[]
  readonly name: string
  readonly sizeBytes: number
  readonly registeredAtMs: number
  /** A path, or an http(s) or s3 URL; without credentials. undefined if the torrent was registered without one. */
  readonly origin: string | undefined
  /** Number of pieces. undefined for a torrent without a note, and in notes of earlier versions. */
  readonly pieces: number | undefined
  /** undefined for a torrent without a note. */
  readonly metadata: TorrentMetadata | undefined
}

export interface TorrentMetadata {
  /** In hexadecimal, 40 and 64 digits; null if the torrent has none. */
  readonly infoHashV1: string | null
  readonly infoHashV2: string | null
  readonly isPrivate: boolean
}

export function metadataOf(
  { infoHashV1, infoHashV2 }: Pick<Metainfo, 'infoHashV1' | 'infoHashV2'>,
  isPrivate: boolean,
): TorrentMetadata {
  return {
    infoHashV1: infoHashV1?.toString('hex') ?? null,
    infoHashV2: infoHashV2?.toString('hex') ?? null,
    isPrivate,
  }
}

/** Key of a torrent in caches and maps; the same for both infohashes of a hybrid torrent. */
export function registrationKey({ infoHashes }: Pick<Registration, 'infoHashes'>): string {
  return infoHashes.map(infoHashKey).join('')
}

export function readRegistration(torrent: RegisteredTorrent): Registration {
  const note = parseNote(torrent.note)
  return {
    infoHashes: torrent.infoHashes,
    name: torrent.name,
    sizeBytes: torrent.sizeBytes,
    registeredAtMs: torrent.registeredAtMs,
    origin: typeof note?.['origin'] === 'string' ? note['origin'] : undefined,
    pieces: isPieceCount(note?.['pieces']) ? note['pieces'] : undefined,
    metadata: note === undefined ? undefined : metadataIn(note),
  }
}

export function formatNote(
  metadata: TorrentMetadata,
  { pieces, origin }: Pick<Registration, 'pieces' | 'origin'>,
): string {
  return JSON.stringify({ ...metadata, pieces, ...(origin === undefined ? {} : { origin }) })
}

function isPieceCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

/** undefined for a text that this program did not write. */
function parseNote(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function metadataIn(note: Readonly<Record<string, unknown>>): TorrentMetadata | undefined {
  const { infoHashV1, infoHashV2, isPrivate } = note
  const isHash = (value: unknown): value is string | null => value === null || typeof value === 'string'
  if (!isHash(infoHashV1) || !isHash(infoHashV2) || typeof isPrivate !== 'boolean') return undefined
  return { infoHashV1, infoHashV2, isPrivate }
}
