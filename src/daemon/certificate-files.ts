/**
 * The certificate and key of a node: read at the start, at a reload, and when a file changes. Connections that are open
 * keep the certificate that they began with. A wrong pair changes nothing.
 */
import { readTlsFiles, type ReadTlsFiles, type TlsFiles, type TlsProblem } from '../config/tls-files.ts'
import { ConfigError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { isSamePair, type TlsPair } from '../core/tls-pair.ts'
import { watchForChanges } from './file-watch.ts'

export class CertificateFiles {
  readonly #files: TlsFiles
  readonly #log: Log
  readonly #readFiles: (files: TlsFiles) => ReadTlsFiles
  readonly #listeners: ((pair: TlsPair) => void)[] = []
  #pair: TlsPair
  /** The last problem that was logged; a file that is polled twice is reported once. */
  #reported: string | undefined

  /** Throws a `ConfigError` if the pair is wrong. */
  constructor(files: TlsFiles, log: Log, readFiles = readTlsFiles) {
    this.#files = files
    this.#log = log
    this.#readFiles = readFiles
    this.#pair = this.#readPair()
  }

  get pair(): TlsPair {
    return this.#pair
  }

  onReplace(listener: (pair: TlsPair) => void): void {
    this.#listeners.push(listener)
  }

  /** Reads the files, and returns a function that puts the pair into effect. Throws a `ConfigError`. */
  read(): () => void {
    const pair = this.#readPair()
    return () => this.#replace(pair)
  }

  /** Returns a function that ends the watch. */
  watch(): () => void {
    const paths = Object.values(this.#files).filter((path): path is string => path !== undefined)
    const unwatch = paths.map((path) => watchForChanges(path, () => this.readLogged('file-changed')))
    return () => {
      for (const end of unwatch) end()
    }
  }

  /** A reload without a caller that waits for it, after a signal or a changed file. */
  readLogged(cause: string): void {
    try {
      this.read()()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      if (this.#reported === error.message) return
      this.#reported = error.message
      this.#log.warn(
        { event: 'certificate-refused', cause, problems: error.message },
        'the new certificate or key is invalid; the current pair stays',
      )
    }
  }

  #replace(pair: TlsPair): void {
    this.#reported = undefined
    if (isSamePair(pair, this.#pair)) return
    this.#pair = pair
    for (const listener of this.#listeners) listener(pair)
    this.#log.info(
      { event: 'certificate-reloaded', file: this.#files.certificate },
      'certificate reloaded; new connections use it',
    )
    for (const { message, hint } of this.#readFiles(this.#files).warnings)
      this.#log.warn(
        { event: 'certificate-validity', problem: message, hint },
        'the new certificate has a problem; it is used nevertheless',
      )
  }

  #readPair(): TlsPair {
    const { pair, problems } = this.#readFiles(this.#files)
    if (pair === undefined) throw new ConfigError(problems.map((problem) => this.#placed(problem)))
    return pair
  }

  #placed({ field, message, hint }: TlsProblem) {
    return { file: this.#files[field] ?? '', line: 0, column: 0, message, hint }
  }
}
