/**
 * Reads a torrent as each client does, scanning its files once: whether the client downloads it, and the names that it
 * changes or that collide. They are scanned again only where paths may collide.
 */
import { isUtf8 } from 'node:buffer'
import type { Metainfo } from '../metainfo.ts'
import { openAria2 } from './aria2.ts'
import { type ClientFile, type ClientName, type ClientReader, fullPath, type OpenReader } from './client.ts'
import { exactly, PathNumbers, type Rename, resolveCollisions, withoutCase } from './collisions.ts'
import { canonicalFile, canonicalName, canonicalRoot } from './canonical-names.ts'
import { contentEntries, type ContentEntry } from './content-entries.ts'
import { openLibtorrent } from './libtorrent.ts'
import { libtorrentRename } from './libtorrent-rename.ts'
import { openRtorrent } from './rtorrent.ts'
import { openTransmission } from './transmission.ts'

/** In the order in which messages name them. */
export const clients: Readonly<Record<ClientName, OpenReader>> = {
  libtorrent: openLibtorrent,
  aria2: openAria2,
  Transmission: openTransmission,
  rtorrent: openRtorrent,
}

export const clientNames = Object.keys(clients) as readonly ClientName[]

/** How many names there are, and the first of them. */
export interface Names {
  readonly count: number
  readonly from: string
  readonly to: string
}

export interface ClientReport {
  readonly client: ClientName
  /** Why it does not download the torrent; undefined where it does. */
  readonly problem: string | undefined
  /** Files and folders that are UTF-8 in the torrent and have another name in the client. */
  readonly changed: Names | undefined
  /** Files whose path an earlier file or a folder has; `to` is `from` where the client does not rename them. */
  readonly colliding: Names | undefined
}

export interface ContentReport {
  readonly clients: readonly ClientReport[]
  /** Names that are not UTF-8. */
  readonly notUtf8: Names | undefined
  /** Empty files; Transmission does not create them. */
  readonly empty: Names | undefined
}

/** What a client writes for each file, before collisions are resolved. */
export function* writtenPaths(metainfo: Metainfo, client: ClientName): Generator<string | undefined> {
  const reader = clients[client](metainfo)
  for (const entry of contentEntries(metainfo)) yield pathOf(reader.add(entry))
}

export function readClients(metainfo: Metainfo): ContentReport {
  const root = canonicalRoot(metainfo)
  const name = canonicalName(metainfo)
  const readings = clientNames.map((client) => new Reading(client, clients[client](metainfo), root))
  const notUtf8 = new Counted()
  const empty = new Counted()
  if (root !== undefined && !isText(root)) notUtf8.add(root, root)
  for (const entry of contentEntries(metainfo)) {
    const path = entry === undefined ? '' : canonicalFile(entry, root, name)
    const isNamed = isText(path)
    if (!isNamed) notUtf8.add(path, path)
    if (entry?.lengthBytes === 0 && !/[lp]/.test(entry.attributes)) empty.add(path, path)
    for (const reading of readings) reading.add(entry, isNamed ? path : undefined)
  }
  return {
    clients: readings.map((reading) => reading.report(metainfo)),
    notUtf8: notUtf8.names,
    empty: empty.names,
  }
}

class Reading {
  readonly #client: ClientName
  readonly #reader: ClientReader
  readonly #root: string | undefined
  readonly #numbers: PathNumbers
  readonly #changed = new Counted()
  #isRootChanged = false

  constructor(client: ClientName, reader: ClientReader, root: string | undefined) {
    this.#client = client
    this.#reader = reader
    this.#root = root
    this.#numbers = new PathNumbers(foldOf(client))
  }

  /** `path` is undefined where it is not UTF-8. */
  add(entry: ContentEntry | undefined, path: string | undefined): void {
    const file = this.#reader.add(entry)
    const written = pathOf(file)
    if (file?.written === undefined || written === undefined) return
    this.#numbers.add(written)
    const { root } = file
    if (root !== this.#root && !this.#isRootChanged && isText(this.#root ?? '')) {
      this.#isRootChanged = true
      this.#changed.add(this.#root ?? '', root ?? '')
    }
    if (path !== undefined && file.written !== path) this.#changed.add(path, file.written)
  }

  report(metainfo: Metainfo): ClientReport {
    return {
      client: this.#client,
      problem: this.#reader.problem(),
      changed: this.#changed.names,
      colliding: this.#colliding(metainfo),
    }
  }

  #colliding(metainfo: Metainfo): Names | undefined {
    const repeated = this.#numbers.repeated()
    if (repeated.size === 0) return undefined
    const found = new Counted()
    // Only the first is shown, and a search for a free path takes the longer the more files share one.
    const rename: Rename = (path, isOccupied) =>
      this.#client === 'libtorrent' && found.names === undefined
        ? libtorrentRename(path, isOccupied)
        : undefined
    const paths = () => writtenPaths(metainfo, this.#client)
    const before = paths()
    for (const resolved of resolveCollisions(paths, repeated, { fold: foldOf(this.#client), rename })) {
      const from = before.next().value as string | undefined
      if (resolved?.isCollision === true) found.add(from ?? '', resolved.path)
    }
    return found.names
  }
}

export function foldOf(client: ClientName): (path: string) => string {
  return client === 'libtorrent' ? withoutCase : exactly
}

function pathOf(file: ClientFile | undefined): string | undefined {
  return file?.written === undefined ? undefined : fullPath(file.root, file.written)
}

class Counted {
  names: Names | undefined

  add(from: string, to: string): void {
    this.names = {
      count: (this.names?.count ?? 0) + 1,
      from: this.names?.from ?? from,
      to: this.names?.to ?? to,
    }
  }
}

function isText(name: string): boolean {
  return isUtf8(Buffer.from(name, 'latin1'))
}
