/**
 * Registered torrents in Redis, mirrored in a directory of this node: the node has them while Redis is down, also when it
 * starts then, and restores them should Redis lose them.
 *
 * The collection has an id of its own. While it is the id that this node follows, Redis is authoritative: a torrent that
 * it lacks was removed. Another id means that Redis lost its data: torrents that it lacks are restored.
 *
 * A node reads all descriptions once, and then those of the changes since (`torrent-changes.ts`).
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../../core/errors.ts'
import { TORRENT_BYTES_MAX } from '../../core/limits.ts'
import type { Log } from '../../core/log.ts'
import { readRegularFile } from '../../core/regular-file.ts'
import type { RegisteredTorrent, TorrentStore } from '../site-store.ts'
import { TorrentsUnwritable, writeTorrents } from '../torrent-writes.ts'
import { primaryHex, type TorrentDirectory } from '../torrent-directory.ts'
import { readDescription, writeDescription } from '../torrent-description.ts'
import { list, type RedisClient, text } from './client.ts'
import type { OnInvalidValue } from './invalid-values.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'
import { changeOf, changesAfter, type ReadChange } from './torrent-changes.ts'

/** The file of a torrent with a terabyte in small pieces has tens of megabytes. */
const FILE_DEADLINE_MS = 10_000

/**
 * The torrent as its own bytes describe it; time and note are those of the description. Throws an `InputError` for bytes
 * that are not this torrent.
 */
export type CheckTorrent = (torrent: RegisteredTorrent, bytes: Buffer) => RegisteredTorrent

export interface RedisTorrentsOptions {
  readonly keys: SiteKeys
  readonly mirror: TorrentDirectory
  /** The directory of the mirror; it also keeps the id of the collection. */
  readonly directory: string
  readonly newId: () => string
  readonly check: CheckTorrent
  readonly onInvalid: OnInvalidValue
  /** Of a monotonic clock. */
  readonly elapsedMs: () => number
  readonly log: Log
}

export class RedisTorrents implements TorrentStore {
  readonly #keys: SiteKeys
  readonly #directory: string
  readonly #newId: () => string
  readonly #elapsedMs: () => number
  readonly #log: Log
  readonly #check: CheckTorrent
  readonly #onInvalid: OnInvalidValue
  readonly #mirror: TorrentDirectory
  #client: RedisClient | undefined
  #followed = ''
  /** The last change of the followed collection; undefined where all descriptions have to be read. */
  #last: (ReadChange & { readonly id: string }) | undefined
  #retryAtMs = -Infinity

  constructor(options: RedisTorrentsOptions) {
    this.#keys = options.keys
    this.#directory = options.directory
    this.#newId = options.newId
    this.#elapsedMs = options.elapsedMs
    this.#log = options.log
    this.#check = options.check
    this.#onInvalid = options.onInvalid
    this.#mirror = options.mirror
  }

  use(client: RedisClient | undefined): void {
    this.#client = client
  }

  has(infoHash: Buffer): boolean {
    return this.#mirror.has(infoHash)
  }

  find(infoHash: Buffer): RegisteredTorrent | undefined {
    return this.#mirror.find(infoHash)
  }

  list(): readonly RegisteredTorrent[] {
    return this.#mirror.list()
  }

  read(infoHash: Buffer): Promise<Buffer | undefined> {
    return this.#mirror.read(infoHash)
  }

  /** Removals as seen by this node: each node records them in its own mirror. */
  removals(): ReadonlyMap<string, number> {
    return this.#mirror.removals()
  }

  onChange(listener: () => void): void {
    this.#mirror.onChange(listener)
  }

  async put(torrent: RegisteredTorrent, bytes: Buffer): Promise<void> {
    const client = this.#requireClient()
    try {
      await this.#upload(client, torrent, bytes, false)
    } catch (error) {
      throw new InputError(
        `the torrent could not be registered: the store failed: ${(error as Error).message}`,
      )
    }
    await this.#mirror.put(torrent, bytes)
  }

  async remove(infoHash: Buffer, atMs?: number): Promise<boolean> {
    const known = this.#mirror.find(infoHash)
    if (known === undefined) return this.#mirror.remove(infoHash, atMs)
    const client = this.#requireClient()
    const { torrents, torrentFiles, torrentState } = this.#keys
    try {
      await client.run(
        scripts.removeTorrent,
        [torrents, torrentFiles, torrentState],
        [primaryHex(known), this.#newId()],
        FILE_DEADLINE_MS,
      )
    } catch (error) {
      throw new InputError(`the torrent could not be removed: the store failed: ${(error as Error).message}`)
    }
    return this.#mirror.remove(infoHash, atMs)
  }

  #requireClient(): RedisClient {
    if (this.#client !== undefined) return this.#client
    throw new InputError(
      'the store is unreachable, so the change would not reach the other nodes; try again when /readyz?verbose reports that the store is up',
    )
  }

  /** Reads the mirror again. Torrents that were added to it by hand are registered after the next poll. */
  async reload(): Promise<void> {
    await this.#mirror.reload()
    this.#last = undefined
    if (this.#mirror.addedByHand().length > 0) this.#followed = ''
  }

  /** Torrents that were added to the mirror by hand are registered after the next poll of Redis. */
  async poll(): Promise<void> {
    await this.#mirror.poll()
    if (this.#mirror.addedByHand().length === 0) return
    this.#last = undefined
    this.#followed = ''
  }

  isBehind(id: string, version: string): boolean {
    return `${id} ${version}` !== this.#followed && this.#elapsedMs() >= this.#retryAtMs
  }

  /**
   * Makes the mirror equal to Redis, or restores to Redis what it lost. A mirror that cannot be written is not an error
   * of Redis: the node stays connected and tries again later.
   */
  async follow(client: RedisClient, id: string, version: string): Promise<void> {
    try {
      await this.#follow(client, id, version)
    } catch (error) {
      if (!(error instanceof TorrentsUnwritable)) throw error
      this.#retryAtMs = this.#elapsedMs() + UNWRITABLE_RETRY_MS
      this.#log.warn(
        { event: 'torrents-unwritable', problem: error.message },
        'torrents of the site cannot be stored on this node',
      )
    }
  }

  async #follow(client: RedisClient, id: string, version: string): Promise<void> {
    const { torrentState } = this.#keys
    const knownId = await this.#knownId()
    const recent =
      this.#last?.id === id
        ? await changesAfter(client, torrentState, this.#last, Number(version))
        : undefined
    // Before the descriptions, which may be of a later change.
    const last = recent?.last ?? (await changeOf(client, torrentState, Number(version)))
    if (recent === undefined) await this.#followAll(client, id === '' || id !== knownId)
    else await this.#followChanges(client, recent.infoHashes)
    if (id === '') {
      await client.call('hsetnx', [torrentState, 'id', this.#newId()])
      // The next poll returns the new id.
      return
    }
    if (id !== knownId) await this.#keepId(id)
    this.#last = last && { ...last, id }
    this.#followed = `${id} ${version}`
  }

  async #followAll(client: RedisClient, hasLost: boolean): Promise<void> {
    const descriptions = await this.#readDescriptions(client)
    const addedByHand = new Set(this.#mirror.addedByHand())
    for (const torrent of this.#mirror.list()) {
      if (descriptions.has(primaryHex(torrent))) continue
      const [infoHash] = torrent.infoHashes
      if (infoHash === undefined) continue
      if (!hasLost && !addedByHand.has(torrent)) {
        await this.#mirror.remove(infoHash)
        continue
      }
      const bytes = await this.#mirror.read(infoHash)
      if (bytes === undefined) continue
      await this.#upload(client, torrent, bytes, true)
      if (addedByHand.has(torrent)) await this.#mirror.put(torrent, bytes)
      this.#log.info(
        { event: 'torrent-put-back', name: torrent.name },
        'torrent of this node was missing in the store; uploaded',
      )
    }
    const local = new Map(
      this.#mirror.list().map((torrent) => [primaryHex(torrent), writeDescription(torrent)]),
    )
    for (const [hex, description] of descriptions)
      if (local.get(hex) !== description) await this.#download(client, hex, description)
  }

  async #followChanges(client: RedisClient, infoHashes: readonly string[]): Promise<void> {
    const { torrents } = this.#keys
    const values = list(await client.call('hmget', [torrents, ...infoHashes], FILE_DEADLINE_MS))
    for (const [index, hex] of infoHashes.entries()) {
      const infoHash = Buffer.from(hex, 'hex')
      const found = this.#mirror.find(infoHash)
      const known = found !== undefined && primaryHex(found) === hex ? found : undefined
      const description = values[index]
      if (Buffer.isBuffer(description)) {
        if (known === undefined || writeDescription(known) !== text(description))
          await this.#download(client, hex, text(description))
      } else if (known !== undefined) await this.#mirror.remove(infoHash)
    }
  }

  async #download(client: RedisClient, hex: string, description: string): Promise<void> {
    const read = await this.#readTorrent(client, hex, description)
    if (typeof read === 'string') this.#onInvalid('torrents', `${hex.slice(0, 40)}: ${read}`)
    else await this.#mirror.put(read.torrent, read.bytes)
  }

  /** The problem with it where it is not a valid torrent. */
  async #readTorrent(
    client: RedisClient,
    hex: string,
    description: string,
  ): Promise<{ readonly torrent: RegisteredTorrent; readonly bytes: Buffer } | string> {
    const described = readDescription(description)
    if (described === undefined) return 'the description is malformed'
    if (primaryHex(described) !== hex) return 'the description is of another torrent'
    const { torrentFiles } = this.#keys
    const bytes = await client.call('hget', [torrentFiles, hex], FILE_DEADLINE_MS)
    if (!Buffer.isBuffer(bytes)) return 'the torrent is missing'
    if (bytes.length > TORRENT_BYTES_MAX) return `the torrent has more than ${TORRENT_BYTES_MAX} bytes`
    try {
      return { torrent: this.#check(described, bytes), bytes }
    } catch (error) {
      if (error instanceof InputError) return error.message
      throw error
    }
  }

  /** By infohash in hex. In two steps, because ioredis turns the reply of HGETALL into an object. */
  async #readDescriptions(client: RedisClient): Promise<ReadonlyMap<string, string>> {
    const { torrents } = this.#keys
    const fields = list(await client.call('hkeys', [torrents])).map(text)
    if (fields.length === 0) return new Map()
    const values = list(await client.call('hmget', [torrents, ...fields], FILE_DEADLINE_MS))
    return new Map(fields.map((field, index) => [field, text(values[index])]))
  }

  async #upload(
    client: RedisClient,
    torrent: RegisteredTorrent,
    bytes: Buffer,
    isOnlyMissing: boolean,
  ): Promise<void> {
    const { torrents, torrentFiles, torrentState } = this.#keys
    await client.run(
      scripts.putTorrent,
      [torrents, torrentFiles, torrentState],
      [this.#newId(), primaryHex(torrent), writeDescription(torrent), bytes, isOnlyMissing ? 1 : 0],
      FILE_DEADLINE_MS,
    )
  }

  async #knownId(): Promise<string> {
    try {
      return (await readRegularFile(join(this.#directory, ID_FILE))).toString('utf8')
    } catch {
      return ''
    }
  }

  async #keepId(id: string): Promise<void> {
    // An empty mirror cannot restore anything.
    if (this.#mirror.list().length === 0) return
    await writeTorrents(this.#directory, () => writeFile(join(this.#directory, ID_FILE), id))
  }
}

const ID_FILE = '.store-id'

const UNWRITABLE_RETRY_MS = 60_000
