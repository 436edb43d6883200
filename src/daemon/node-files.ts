/**
 * Files beside the topology that a node reads again while it runs: announce tokens, and the certificates of its listeners.
 */
import type { NodeConfig } from '../config/load-config.ts'
import type { AnnounceTokens } from '../core/announce-tokens.ts'
import type { Log } from '../core/log.ts'
import { type ListenerTls, secureOptions } from '../core/tls-pair.ts'
import { AnnounceTokenFile } from './announce-token-file.ts'
import { CertificateFiles } from './certificate-files.ts'

export class NodeFiles {
  readonly #listeners: CertificateFiles | undefined
  readonly #tokens: AnnounceTokenFile

  /** Throws a `ConfigError` if a file is invalid. */
  constructor({ announce, listen }: Pick<NodeConfig, 'announce' | 'listen'>, log: Log) {
    this.#tokens = new AnnounceTokenFile(announce.tokenFile, log)
    this.#listeners = listen.tls === undefined ? undefined : new CertificateFiles(listen.tls, log)
  }

  get tokens(): AnnounceTokens {
    return this.#tokens.tokens
  }

  /** undefined: plain connections. */
  get tls(): ListenerTls | undefined {
    const files = this.#listeners
    if (files === undefined) return undefined
    return {
      options: secureOptions(files.pair),
      onReplace: (listener) => files.onReplace((pair) => listener(secureOptions(pair))),
    }
  }

  /** Reads all files, and puts them into effect after `reload`. Rejects with a `ConfigError` before it. */
  async reloadWith<Result>(reload: () => Promise<Result>): Promise<Result> {
    const replace = [this.#tokens.read(), this.#listeners?.read()]
    const reloaded = await reload()
    for (const each of replace) each?.()
    return reloaded
  }

  /** A reload without a caller that waits for it. The log reports problems. */
  readLogged(cause: string): void {
    this.#listeners?.readLogged(cause)
  }

  /** Returns functions that end the watches. */
  watch(): (() => void)[] {
    return [this.#tokens.watch(), this.#listeners?.watch() ?? (() => {})]
  }
}
