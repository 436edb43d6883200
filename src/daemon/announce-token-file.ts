/** The file of announce tokens of a node: read at the start, at a reload, and when it changes. */
import { readAnnounceTokens } from '../config/announce-tokens-file.ts'
import { AnnounceTokens } from '../core/announce-tokens.ts'
import { ConfigError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { watchForChanges } from './file-watch.ts'

export class AnnounceTokenFile {
  readonly tokens = new AnnounceTokens()
  readonly #path: string | undefined
  readonly #log: Log

  /** Throws a `ConfigError` if the file is invalid. `path`: undefined if every announce URL is accepted. */
  constructor(path: string | undefined, log: Log) {
    this.#path = path
    this.#log = log
    this.read()()
  }

  /** Reads the file, and returns a function that puts its tokens into effect. Throws a `ConfigError`. */
  read(): () => void {
    if (this.#path === undefined) return () => {}
    const table = readAnnounceTokens(this.#path)
    return () => this.tokens.replace(table)
  }

  /** Returns a function that ends the watch. */
  watch(): () => void {
    return this.#path === undefined ? () => {} : watchForChanges(this.#path, () => this.#readChanged())
  }

  #readChanged(): void {
    try {
      this.read()()
      this.#log.info({ event: 'announce-tokens-reloaded' }, 'announce tokens reloaded')
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#log.warn(
        { event: 'announce-tokens-refused', problems: error.message },
        'the file of announce tokens is invalid; the current tokens stay',
      )
    }
  }
}
