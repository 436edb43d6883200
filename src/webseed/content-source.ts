/**
 * Content of registered torrents: file names from the torrent, bytes from the origin. Both are opened once and cached.
 *
 * Files of this machine are served only from below `origin.directory`: permission to register torrents does not include
 * every file that the node can read.
 */
import { realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { InputError } from '../core/errors.ts'
import { isInternal } from '../origin/internal-addresses.ts'
import { openOrigin } from '../origin/open-origin.ts'
import type { ByteRange, Origin } from '../origin/origin.ts'
import type { RedirectRule } from '../origin/redirect-guard.ts'
import type { Prefix } from '../topology/prefix.ts'
import { isInPrefixes } from '../topology/prefix-set.ts'
import { BoundedCache } from '../registry/bounded-cache.ts'
import { originKind } from '../registry/origin-reference.ts'
import { type Registration, registrationKey } from '../registry/registration.ts'
import type { TorrentRegistry } from '../registry/torrent-registry.ts'
import { type ContentFile, type ContentFiles, matchOrigin, readContentFiles } from './content-files.ts'

/** Two torrents of a million files each, about 500 MB of names; of ordinary torrents, thousands. */
const FILES_KEPT_MAX = 2_000_000

/** Cost of a torrent besides its files. */
const TORRENT_COST = 100

/** An origin that takes longer to open counts as down; clients wait 20 s for the first byte of a response. */
const OPEN_DEADLINE_MS = 10_000

interface Opened {
  readonly origin: Origin
  readonly indexes: ReadonlyMap<number, number>
}

export interface ContentSourceInit {
  readonly registry: TorrentRegistry
  /** Absolute. undefined: no file of this machine is served. */
  readonly directory: string | undefined
  /** The environment variables that hold the credentials of origins. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Loopback, link-local and metadata addresses to which redirects of HTTP origins are followed. */
  readonly redirectsTo: readonly Prefix[]
}

export class ContentSource {
  readonly #registry: TorrentRegistry
  readonly #directory: string | undefined
  readonly #environment: ContentSourceInit['environment']
  readonly #redirects: RedirectRule
  readonly #files: BoundedCache<ContentFiles | undefined>
  readonly #opened: BoundedCache<Opened>

  constructor({ registry, directory, environment, redirectsTo }: ContentSourceInit) {
    this.#registry = registry
    this.#directory = directory
    this.#environment = environment
    const isAllowed = isInPrefixes(redirectsTo)
    this.#redirects = (address) => !isInternal(address) || isAllowed(address)
    this.#files = new BoundedCache({
      costMax: FILES_KEPT_MAX,
      costOf: (files) => TORRENT_COST + (files?.files.length ?? 0),
    })
    this.#opened = new BoundedCache({
      costMax: FILES_KEPT_MAX,
      costOf: ({ indexes }) => TORRENT_COST + indexes.size,
      onDrop: ({ origin }) => void origin.close(),
    })
  }

  /** The reason why this node never serves this content, undefined if it may. Reads the reference alone. */
  unavailableReason(origin: string): string | undefined {
    if (originKind(origin) !== 'file') return undefined
    if (this.#directory === undefined)
      return 'the origin is a file, and this node serves no files: set origin.directory to the folder that may be served'
    return isBelow(this.#directory, resolve(origin))
      ? undefined
      : `the origin is not below origin.directory, ${this.#directory}`
  }

  /** undefined if the torrent has been removed meanwhile. */
  files(registration: Registration): Promise<ContentFiles | undefined> {
    return this.#files.get(registrationKey(registration), async () => {
      const metainfo = await this.#registry.read(registration)
      return metainfo === undefined ? undefined : readContentFiles(metainfo)
    })
  }

  /**
   * Rejects with an `InputError` if the origin cannot be opened or does not match the torrent. If the error appears later,
   * the stream fails with one.
   */
  async read(
    registration: Registration,
    file: ContentFile,
    range: ByteRange,
    signal: AbortSignal,
  ): Promise<Readable> {
    const { origin, indexes } = await this.#opened.get(contentKey(registration), () =>
      this.#open(registration),
    )
    const index = indexes.get(file.number)
    if (index === undefined) throw new InputError('origins do not contain padding')
    return origin.read(index, range, signal)
  }

  /** Opens the origin and returns the problem with it; undefined if it can be served. */
  async problemOf(registration: Registration): Promise<string | undefined> {
    try {
      await this.#opened.get(contentKey(registration), () => this.#open(registration))
      return undefined
    } catch (error) {
      if (error instanceof InputError) return error.message
      throw error
    }
  }

  /** Drops the opened origin after an error, so that the next request opens it again. */
  invalidate(registration: Registration): void {
    this.#opened.drop(contentKey(registration))
  }

  /** Reads in progress fail. */
  close(): void {
    this.#files.clear()
    this.#opened.clear()
  }

  async #open(registration: Registration): Promise<Opened> {
    const files = await this.files(registration)
    const reference = registration.origin
    if (files === undefined || reference === undefined)
      throw new InputError('the torrent or its origin has been removed')
    const reason = this.unavailableReason(reference)
    if (reason !== undefined) throw new InputError(reason)
    const within = await this.#realDirectory(reference)
    const deadline = AbortSignal.timeout(OPEN_DEADLINE_MS)
    const origin = await openOrigin(reference, {
      environment: this.#environment,
      signal: deadline,
      redirects: this.#redirects,
      ...(within === undefined ? {} : { within }),
    }).catch((error: unknown) => {
      throw deadline.aborted ? new InputError(`${reference}: no answer within ${OPEN_DEADLINE_MS} ms`) : error
    })
    try {
      return { origin, indexes: matchOrigin(files, origin) }
    } catch (error) {
      await origin.close()
      throw error
    }
  }

  /** Returns the directory that a file origin must not leave. A link below the directory may lead out of it. */
  async #realDirectory(reference: string): Promise<string | undefined> {
    const directory = this.#directory
    if (originKind(reference) !== 'file' || directory === undefined) return undefined
    const [root, target] = await Promise.all([realpath(directory), realpath(reference)]).catch(
      (error: NodeJS.ErrnoException) => {
        throw new InputError(`${reference}: cannot be found (${error.code ?? error.message})`)
      },
    )
    if (!isBelow(root, target)) throw new InputError(`${reference}: leads out of origin.directory`)
    return root
  }
}

/** Contains the origin, so that a torrent that is registered again with another one does not use the former one. */
function contentKey(registration: Registration): string {
  return `${registrationKey(registration)} ${registration.origin ?? ''}`
}

function isBelow(directory: string, path: string): boolean {
  const root = directory.endsWith(sep) ? directory : directory + sep
  return path === directory || path.startsWith(root)
}
