/**
 * Files beside the topology that a node reads again while it runs: announce tokens, and the certificates of its listeners and of its
 * federation.
 */
import { readFederationFiles } from '../config/federation-files.ts'
import type { NodeConfig } from '../config/load-config.ts'
import type { AnnounceTokens } from '../core/announce-tokens.ts'
import type { Log } from '../core/log.ts'
import type { SiteCredentials } from '../core/site-credentials.ts'
import { type ListenerTls, secureOptions } from '../core/tls-pair.ts'
import { AnnounceTokenFile } from './announce-token-file.ts'
import { CertificateFiles } from './certificate-files.ts'

export class NodeFiles {
  readonly #listeners: CertificateFiles | undefined
  readonly #federation: CertificateFiles | undefined
  readonly #federationToken: string | undefined
  readonly #tokens: AnnounceTokenFile

  /** Throws a `ConfigError` if a file is invalid. */
  constructor(
    { site, announce, listen, federation }: Pick<NodeConfig, 'site' | 'announce' | 'listen' | 'federation'>,
    log: Log,
  ) {
    this.#tokens = new AnnounceTokenFile(announce.tokenFile, log)
    this.#listeners = listen.tls === undefined ? undefined : new CertificateFiles(listen.tls, log)
    this.#federation =
      federation.tls === undefined
        ? undefined
        : new CertificateFiles(federation.tls, log, (files) => readFederationFiles(files, site))
    this.#federationToken = federation.token
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

  /** Of the admin listener: it asks nodes of other sites for their certificate, and other clients have none. */
  get adminTls(): ListenerTls | undefined {
    const [files, federation, { tls }] = [this.#listeners, this.#federation, this]
    if (files === undefined || federation === undefined) return tls
    const options = () => ({
      ...secureOptions({ ...files.pair, authority: federation.pair.authority }),
      requestCert: true,
      rejectUnauthorized: false,
    })
    return {
      options: options(),
      onReplace: (listener) => {
        files.onReplace(() => listener(options()))
        federation.onReplace(() => listener(options()))
      },
    }
  }

  /** undefined where the node is not federated. */
  get credentials(): SiteCredentials | undefined {
    const [token, files] = [this.#federationToken, this.#federation]
    if (token === undefined && files === undefined) return undefined
    return {
      token,
      get pair() {
        return files?.pair
      },
    }
  }

  onCredentials(listener: () => void): void {
    this.#federation?.onReplace(listener)
  }

  /** Reads all files, and puts them into effect after `reload`. Rejects with a `ConfigError` before it. */
  async reloadWith<Result>(reload: () => Promise<Result>): Promise<Result> {
    const replace = [this.#tokens.read(), this.#listeners?.read(), this.#federation?.read()]
    const reloaded = await reload()
    for (const each of replace) each?.()
    return reloaded
  }

  /** A reload without a caller that waits for it. The log reports problems. */
  readLogged(cause: string): void {
    for (const files of [this.#listeners, this.#federation]) files?.readLogged(cause)
  }

  /** Returns functions that end the watches. */
  watch(): (() => void)[] {
    return [this.#tokens, this.#listeners, this.#federation].flatMap((files) => files?.watch() ?? [])
  }
}
