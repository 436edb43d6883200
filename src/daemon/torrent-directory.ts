/**
 * The registered torrents of `torrents.admit: registered`: the `.torrent` files in a directory. A hybrid torrent
 * is registered under both of its infohashes.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, InputError } from '../core/errors.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { Log } from '../core/log.ts'
import { readMetainfo } from '../metainfo/metainfo.ts'
import type { TorrentAdmission } from '../tracker/ports.ts'

export interface TorrentDirectoryOptions {
  readonly admit: 'any' | 'registered'
  /** Only read with `admit: registered`. */
  readonly directory: string
}

export class TorrentDirectory implements TorrentAdmission {
  readonly #options: TorrentDirectoryOptions
  readonly #log: Log
  #registered: ReadonlySet<string> = new Set()

  constructor(options: TorrentDirectoryOptions, log: Log) {
    this.#options = options
    this.#log = log
  }

  admits(infoHash: Buffer): boolean {
    return this.#options.admit === 'any' || this.#registered.has(infoHashKey(infoHash))
  }

  /** Reads the directory anew. A file that is no torrent is named in the log and passed over. */
  async read(): Promise<void> {
    if (this.#options.admit === 'any') return
    const { directory } = this.#options
    const registered = new Set<string>()
    for (const name of await list(directory)) {
      const path = join(directory, name)
      try {
        const { infoHashV1, infoHashV2 } = readMetainfo(await readFile(path), path)
        for (const hash of [infoHashV1, infoHashV2?.subarray(0, 20)])
          if (hash !== undefined) registered.add(infoHashKey(hash))
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        this.#log.warn(
          { event: 'torrent-unreadable', problem: error.message },
          'a registered torrent cannot be read',
        )
      }
    }
    this.#registered = registered
    this.#log.info(
      { event: 'torrents-read', directory, infoHashes: registered.size },
      'only registered torrents are served',
    )
  }
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.torrent'))
  } catch (error) {
    throw new ConfigError([
      {
        file: directory,
        line: 1,
        column: 1,
        message: `the torrents of admit: registered cannot be listed: ${(error as Error).message}`,
        hint: 'create the directory, or point torrents.directory at it',
      },
    ])
  }
}
