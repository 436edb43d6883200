/**
 * A registered torrent, and the note beside it in the store: where its content comes from, and what reading the
 * torrent again would tell, so that a list of thousands reads none of them.
 *
 * Torrents may come into a store without a note, as files that somebody put into a directory; then the torrent
 * itself is asked.
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
  /** A path, or an http(s) or s3 URL; without credentials. undefined where nobody said. */
  readonly origin: string | undefined
  /** undefined for a torrent without a note. */
  readonly noted: TorrentMetadata | undefined
}

export interface TorrentMetadata {
  /** In hexadecimal, 40 and 64 digits; null where the torrent has none. */
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

/** What a torrent is called in caches and maps, whichever of its infohashes it was asked for by. */
export function registrationKey({ infoHashes }: Pick<Registration, 'infoHashes'>): string {
  return infoHashes.map(infoHashKey).join('')
}

export function readRegistration(torrent: RegisteredTorrent): Registration {
  const note = readNote(torrent.note)
  return {
    infoHashes: torrent.infoHashes,
    name: torrent.name,
    sizeBytes: torrent.sizeBytes,
    registeredAtMs: torrent.registeredAtMs,
    origin: typeof note?.['origin'] === 'string' ? note['origin'] : undefined,
    noted: note === undefined ? undefined : readNoted(note),
  }
}

export function writeNote(noted: TorrentMetadata, origin: string | undefined): string {
  return JSON.stringify({ ...noted, ...(origin === undefined ? {} : { origin }) })
}

/** undefined for whatever this program did not write. */
function readNote(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function readNoted(note: Readonly<Record<string, unknown>>): TorrentMetadata | undefined {
  const { infoHashV1, infoHashV2, isPrivate } = note
  const isHash = (value: unknown): value is string | null => value === null || typeof value === 'string'
  if (!isHash(infoHashV1) || !isHash(infoHashV2) || typeof isPrivate !== 'boolean') return undefined
  return { infoHashV1, infoHashV2, isPrivate }
}
