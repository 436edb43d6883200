/**
 * The registered torrents of a site: with `torrents.admit: registered`, only they are served. Clients fetch them from the
 * tracker's listener. The store keeps the torrents exactly as they were registered.
 */
import type { Clock } from '../core/clock.ts'
import { changedRange } from '../core/changed-range.ts'
import { InputError } from '../core/errors.ts'
import { infoHashesOf, type Metainfo, readMetainfo } from '../metainfo/metainfo.ts'
import { summarize, type TorrentSummary } from '../metainfo/summary.ts'
import type { RegisteredTorrent, TorrentStore } from '../replication/site-store.ts'
import {
  type TorrentMetadata,
  formatNote,
  metadataOf,
  readRegistration,
  type Registration,
} from './registration.ts'

export interface RegistryComponents {
  readonly store: TorrentStore
  readonly clock: Clock
  readonly admit: 'any' | 'registered'
}

export interface Registered {
  readonly registration: Registration
  readonly metainfo: Metainfo
  readonly summary: TorrentSummary
  /** False if the torrent was registered already and has been replaced. */
  readonly isNew: boolean
}

/** The store cannot be written at the moment; the request itself is valid. */
export class RegistryUnavailable extends Error {}

export class TorrentRegistry {
  readonly #store: TorrentStore
  readonly #clock: Clock
  readonly #admit: RegistryComponents['admit']
  /** Of torrents whose note has none, once it was needed; undefined while the torrent is read. */
  readonly #countedPieces = new WeakMap<Registration, number | undefined>()
  /** Of torrents without a note, once it was needed: a list of them would read each file again. */
  readonly #readMetadata = new WeakMap<Registration, TorrentMetadata>()
  readonly #listeners: (() => void)[] = []
  /** As the store listed them last, and the registration of each. */
  #torrents: readonly RegisteredTorrent[] = []
  #list: readonly Registration[] = []
  readonly #registrations = new Map<RegisteredTorrent, Registration>()

  constructor({ store, clock, admit }: RegistryComponents) {
    this.#store = store
    this.#clock = clock
    this.#admit = admit
    store.onChange(() => {
      for (const listener of this.#listeners) listener()
    })
  }

  admits(infoHash: Buffer): boolean {
    return this.#admit === 'any' || this.#store.has(infoHash)
  }

  /** Oldest first, and those of one time by infohash. */
  list(): readonly Registration[] {
    this.#follow()
    return this.#list
  }

  /** By either infohash of a hybrid torrent. */
  find(infoHash: Buffer): Registration | undefined {
    this.#follow()
    const torrent = this.#store.find(infoHash)
    return torrent === undefined ? undefined : this.#registrations.get(torrent)
  }

  /** undefined if the torrent has been removed meanwhile. */
  async read(registration: Registration): Promise<Metainfo | undefined> {
    const infoHash = registration.infoHashes[0]
    const bytes = infoHash === undefined ? undefined : await this.#store.read(infoHash)
    return bytes === undefined ? undefined : readMetainfo(bytes, registration.name)
  }

  /**
   * Number of pieces, for the observation of its clients. Without one in the note it is read from the torrent, and is
   * undefined until then; also for a torrent that cannot be read or is not registered.
   */
  pieces(infoHash: Buffer): number | undefined {
    const registration = this.find(infoHash)
    if (registration === undefined || registration.pieces !== undefined) return registration?.pieces
    if (!this.#countedPieces.has(registration)) {
      this.#countedPieces.set(registration, undefined)
      void this.#countPieces(registration)
    }
    return this.#countedPieces.get(registration)
  }

  async #countPieces(registration: Registration): Promise<void> {
    const metainfo = await this.read(registration).catch(() => undefined)
    const pieces = metainfo === undefined ? 0 : summarize(metainfo).pieceCount
    if (pieces > 0) this.#countedPieces.set(registration, pieces)
  }

  /**
   * The metadata in the note, or else of the torrent itself; undefined if it has been removed meanwhile, or if its file is
   * no longer a torrent.
   */
  async describe(registration: Registration): Promise<TorrentMetadata | undefined> {
    const known = registration.metadata ?? this.#readMetadata.get(registration)
    if (known !== undefined) return known
    const metainfo = await this.read(registration).catch((error: unknown) => {
      if (error instanceof InputError) return undefined
      throw error
    })
    if (metainfo === undefined) return undefined
    const metadata = metadataOf(metainfo, summarize(metainfo).isPrivate)
    this.#readMetadata.set(registration, metadata)
    return metadata
  }

  /**
   * Rejects with an `InputError` if the bytes are not a torrent that clients can download, and with `RegistryUnavailable`
   * while the store is down. Without an origin, the torrent keeps the origin of its earlier registration.
   */
  async register(bytes: Buffer, origin: string | undefined): Promise<Registered> {
    const metainfo = readMetainfo(bytes, 'the torrent')
    const summary = summarize(metainfo)
    const broken = summary.warnings.find(({ code }) => code === 'info-incomplete')
    if (broken !== undefined) throw new InputError(broken.message)
    const infoHashes = infoHashesOf(metainfo)
    const before = infoHashes.map((hash) => this.find(hash)).find((found) => found !== undefined)
    const note = formatNote(metadataOf(metainfo, summary.isPrivate), {
      pieces: summary.pieceCount,
      origin: origin ?? before?.origin,
    })
    const registeredAtMs = await this.#registrationTime(bytes, note, before)
    const torrent = {
      infoHashes,
      name: summary.name ?? '',
      sizeBytes: summary.contentBytes,
      registeredAtMs,
      note,
    }
    await this.#store.put(torrent, bytes).catch(unavailable)
    return { registration: readRegistration(torrent), metainfo, summary, isNew: before === undefined }
  }

  /**
   * If two nodes or sites have different torrents under one infohash, the later registration wins. A registration with
   * other trackers or another origin is therefore later than the one that it replaces; an equal one keeps its time.
   */
  async #registrationTime(bytes: Buffer, note: string, before: Registration | undefined): Promise<number> {
    if (before === undefined) return this.#clock.nowMs()
    const infoHash = before.infoHashes[0] as Buffer
    const isSame =
      this.#store.find(infoHash)?.note === note && (await this.#store.read(infoHash))?.equals(bytes) === true
    return isSame ? before.registeredAtMs : Math.max(this.#clock.nowMs(), before.registeredAtMs + 1)
  }

  /** False if it was removed before. Rejects with `RegistryUnavailable` while the store is down. */
  remove(registration: Registration): Promise<boolean> {
    return this.#store.remove(registration.infoHashes[0] as Buffer).catch(unavailable)
  }

  /** Called after each change, also of another node. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Reads the registrations that the store has changed since the last call. */
  #follow(): void {
    const torrents = this.#store.list()
    if (torrents === this.#torrents) return
    const { start, endBefore, endAfter } = changedRange(this.#torrents, torrents)
    for (const torrent of this.#torrents.slice(start, endBefore)) this.#registrations.delete(torrent)
    const changed = torrents.slice(start, endAfter).map((torrent) => {
      const registration = readRegistration(torrent)
      this.#registrations.set(torrent, registration)
      return registration
    })
    // Concatenation copies blocks of memory, other than a spread.
    this.#list = this.#list.slice(0, start).concat(changed, this.#list.slice(endBefore))
    this.#torrents = torrents
  }
}

function unavailable(error: unknown): never {
  throw error instanceof InputError ? new RegistryUnavailable(error.message) : error
}
