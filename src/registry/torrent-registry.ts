/**
 * The registered torrents of a site: what `torrents.admit: registered` lets in, and what clients can fetch from the
 * tracker's own listener. The torrents themselves are in the store, exactly as they were registered.
 */
import type { Clock } from '../core/clock.ts'
import { InputError } from '../core/errors.ts'
import { infoHashKey } from '../core/info-hash.ts'
import { infoHashesOf, type Metainfo, readMetainfo } from '../metainfo/metainfo.ts'
import { summarize, type TorrentSummary } from '../metainfo/summary.ts'
import type { TorrentStore } from '../replication/site-store.ts'
import {
  type TorrentMetadata,
  metadataOf,
  readRegistration,
  type Registration,
  writeNote,
} from './registration.ts'

export interface RegistryParts {
  readonly store: TorrentStore
  readonly clock: Clock
  readonly admit: 'any' | 'registered'
}

export interface Registered {
  readonly registration: Registration
  readonly metainfo: Metainfo
  readonly summary: TorrentSummary
  /** False where this torrent was there already and has been replaced. */
  readonly isNew: boolean
}

/** The store cannot be written now: no fault of whoever asked. */
export class RegistryUnavailable extends Error {}

export class TorrentRegistry {
  readonly #parts: RegistryParts
  readonly #listeners: (() => void)[] = []
  /** By each infohash; made anew after a change. */
  #byInfoHash: ReadonlyMap<string, Registration> | undefined = undefined

  constructor(parts: RegistryParts) {
    this.#parts = parts
    parts.store.onChange(() => {
      this.#byInfoHash = undefined
      for (const listener of this.#listeners) listener()
    })
  }

  admits(infoHash: Buffer): boolean {
    return this.#parts.admit === 'any' || this.#parts.store.has(infoHash)
  }

  /** Oldest first. */
  list(): readonly Registration[] {
    return [...new Set(this.#index().values())]
  }

  /** By either infohash of a hybrid torrent. */
  find(infoHash: Buffer): Registration | undefined {
    return this.#index().get(infoHashKey(infoHash))
  }

  /** undefined where it has been removed in between. */
  async read(registration: Registration): Promise<Metainfo | undefined> {
    const infoHash = registration.infoHashes[0]
    const bytes = infoHash === undefined ? undefined : await this.#parts.store.read(infoHash)
    return bytes === undefined ? undefined : readMetainfo(bytes, registration.name)
  }

  /** What the note says, or else the torrent; undefined where it has been removed in between. */
  async describe(registration: Registration): Promise<TorrentMetadata | undefined> {
    if (registration.noted !== undefined) return registration.noted
    const metainfo = await this.read(registration)
    return metainfo === undefined ? undefined : metadataOf(metainfo, summarize(metainfo).isPrivate)
  }

  /**
   * Rejects with an `InputError` for what is no torrent, and as `RegistryUnavailable` while the store is down.
   * Without an origin, the one that was noted before stays.
   */
  async register(bytes: Buffer, origin: string | undefined): Promise<Registered> {
    const metainfo = readMetainfo(bytes, 'the torrent')
    const summary = summarize(metainfo)
    const broken = summary.warnings.find(({ code }) => code === 'info-incomplete')
    if (broken !== undefined) throw new InputError(broken.message)
    const infoHashes = infoHashesOf(metainfo)
    const before = infoHashes.map((hash) => this.find(hash)).find((found) => found !== undefined)
    const note = writeNote(metadataOf(metainfo, summary.isPrivate), origin ?? before?.origin)
    const registeredAtMs = await this.#timeOf(bytes, note, before)
    const torrent = {
      infoHashes,
      name: summary.name ?? '',
      sizeBytes: summary.contentBytes,
      registeredAtMs,
      note,
    }
    await this.#parts.store.put(torrent, bytes).catch(unavailable)
    return { registration: readRegistration(torrent), metainfo, summary, isNew: before === undefined }
  }

  /**
   * Of what two nodes or sites hold under one infohash, the later is taken over: a torrent with other trackers, or
   * another origin, is later than the one that it replaces. The same once more changes nothing.
   */
  async #timeOf(bytes: Buffer, note: string, before: Registration | undefined): Promise<number> {
    const { store, clock } = this.#parts
    if (before === undefined) return clock.nowMs()
    const infoHash = before.infoHashes[0] as Buffer
    const kept = store.list().find(({ infoHashes }) => infoHashes.some((each) => each.equals(infoHash)))
    const isSame = kept?.note === note && (await store.read(infoHash))?.equals(bytes) === true
    return isSame ? before.registeredAtMs : Math.max(clock.nowMs(), before.registeredAtMs + 1)
  }

  /** False where somebody else removed it first. Rejects as `RegistryUnavailable` while the store is down. */
  remove(registration: Registration): Promise<boolean> {
    return this.#parts.store.remove(registration.infoHashes[0] as Buffer).catch(unavailable)
  }

  /** Called after each change, whoever made it. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #index(): ReadonlyMap<string, Registration> {
    if (this.#byInfoHash !== undefined) return this.#byInfoHash
    const index = new Map<string, Registration>()
    for (const torrent of this.#parts.store.list()) {
      const registration = readRegistration(torrent)
      for (const infoHash of torrent.infoHashes) index.set(infoHashKey(infoHash), registration)
    }
    return (this.#byInfoHash = index)
  }
}

function unavailable(error: unknown): never {
  throw error instanceof InputError ? new RegistryUnavailable(error.message) : error
}
