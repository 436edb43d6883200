/**
 * Reads the node configuration from file and environment into resolved values, or reports every problem in both.
 *
 * A path in the file is relative to the file, one in the environment to the working directory. The sample that runs
 * without `--config` lies in the package, where nothing should be written: its data directories are relative to the
 * working directory.
 */
import { dirname, join, resolve } from 'node:path'
import { parseAddress } from '../core/address.ts'
import { readAnnounceTokens } from './announce-tokens-file.ts'
import { ConfigError, type Problem } from '../core/errors.ts'
import { isPrefixProblem, type Prefix, readPrefix } from '../topology/prefix.ts'
import {
  type Environment,
  environmentProblem,
  type EnvironmentValue,
  readEnvironment,
} from './environment.ts'
import { issueFinding, schemaProblems, schemaTree, sortProblems } from './report.ts'
import { publicConfiguration } from './public-configuration.ts'
import { sampleFiles } from './sample-files.ts'
import { type NodeFile, nodeSchema } from './schema.ts'
import { type SecretName, type SecretOwner, tokenOf } from './secret-value.ts'
import type { Finding } from './source-text.ts'
import type { TlsFiles } from './tls-files.ts'
import { federationTls, tlsFiles } from './tls-values.ts'
import { type ListenAddress, type StoreConfig } from './values.ts'
import { readYamlFile, type YamlFile, type YamlPath } from './yaml-file.ts'

export interface NodeConfig {
  readonly site: string
  /** Absolute, as all paths here. */
  readonly topologyPath: string
  readonly listen: {
    readonly http: ListenAddress
    readonly udp: ListenAddress
    readonly admin: ListenAddress
    readonly peers: ListenAddress
    /** undefined: plain connections. */
    readonly tls: TlsFiles | undefined
  }
  /** `connections`: 0 turns observers and carriers off. */
  readonly observe: { readonly connections: number }
  readonly carry: { readonly cacheBytes: number }
  readonly store: StoreConfig
  readonly dataDirectory: string
  readonly interval: { readonly minMs: number; readonly maxMs: number }
  readonly torrents: { readonly admit: 'any' | 'registered'; readonly directory: string }
  readonly origin: {
    readonly directory: string | undefined
    readonly redirectsTo: readonly Prefix[]
    readonly copiesPerSite: number
    readonly requestsPerSite: number
  }
  /** `readToken`: for requests that change nothing. */
  readonly admin: { readonly token: string | undefined; readonly readToken: string | undefined }
  readonly federation: { readonly token: string | undefined; readonly tls: TlsFiles | undefined }
  readonly webhooks: {
    readonly urls: readonly string[]
    readonly events: NodeFile['webhooks']['events']
    readonly secret: string | undefined
  }
  /** undefined: every announce URL is accepted. */
  readonly announce: { readonly tokenFile: string | undefined }
  readonly limits: NodeFile['limits']
  readonly trustedProxies: readonly Prefix[]
  readonly log: { readonly level: NodeFile['log']['level'] }
}

export interface ConfigOptions {
  /** Defaults to the sample of the package. */
  readonly path?: string | undefined
  readonly environment: Environment
}

/** Throws a `ConfigError` with every problem. */
export function loadConfig(options: ConfigOptions): NodeConfig {
  const { config, problems } = readConfig(options)
  if (config === undefined) throw new ConfigError(problems)
  return config
}

export interface ReadConfig {
  /** undefined if there is a problem. */
  readonly config: NodeConfig | undefined
  /** Set even if other keys have problems, so that both files can be checked at once. */
  readonly topologyPath: string | undefined
  /** Set under the same condition. */
  readonly site: string | undefined
  readonly problems: readonly Problem[]
  /** Problems that do not keep the node from starting. */
  readonly warnings: readonly Problem[]
  /** A problem with the value of a key, at its position in the file or with its variable. */
  problemAt(path: readonly string[], finding: Finding): Problem
  /** The values in effect without secrets, for people; undefined under the same condition as `config`. */
  readonly publicConfiguration: Readonly<Record<string, unknown>> | undefined
  /** The value as written, without defaults. */
  valueAt(path: readonly string[]): unknown
}

/** Throws a `ConfigError` only if the file cannot be read at all. */
export function readConfig({ path, environment }: ConfigOptions): ReadConfig {
  const file = readYamlFile(
    path ?? sampleFiles.config,
    'name an existing file, or start from config/siteswarm.yaml',
  )
  if (file.value === undefined) throw new ConfigError(file.problems)
  if (file.value === null) {
    throw new ConfigError([
      ...file.problems,
      file.source.problem('the file is empty', 'start from config/siteswarm.yaml'),
    ])
  }
  const source = new ConfigSource(file, environment, path === undefined)
  const parsed = nodeSchema.safeParse(source.merged)
  const found = parsed.success ? checkValues(parsed.data, source) : undefined
  const problems = [
    ...source.problems,
    ...(parsed.success ? [] : source.schemaProblems(parsed.error.issues)),
    ...(found?.problems ?? []),
  ]
  const site = source.valueAt(['site'])
  const topology = source.valueAt(['topology'])
  return {
    config: problems.length === 0 ? found?.config : undefined,
    publicConfiguration:
      problems.length === 0 ? publicConfiguration(schemaTree(nodeSchema), source.merged) : undefined,
    topologyPath: typeof topology === 'string' ? source.resolve(['topology'], topology) : undefined,
    site: typeof site === 'string' ? site : undefined,
    problems: sortProblems(problems),
    warnings: found?.warnings ?? [],
    problemAt: (key, finding) => source.problemAt(key, finding),
    valueAt: (key) => source.valueAt(key),
  }
}

/** Values of file and environment merged, with the origin of each. */
class ConfigSource {
  readonly problems: readonly Problem[]
  /** The plain values of the file, overridden by those of the environment. */
  readonly merged: unknown
  readonly #file: YamlFile
  readonly #isSample: boolean
  readonly #fromEnvironment: readonly EnvironmentValue[]

  constructor(file: YamlFile, environment: Environment, isSample: boolean) {
    const { values, problems } = readEnvironment(environment, schemaTree(nodeSchema))
    this.#file = file
    this.#isSample = isSample
    this.#fromEnvironment = values
    this.problems = [...file.problems, ...problems]
    this.merged = values.reduce((merged, { path, value }) => withValue(merged, path, value), file.value)
  }

  schemaProblems(issues: Parameters<typeof schemaProblems>[2]): Problem[] {
    return issues.flatMap((issue) => {
      const from = this.#variableAt(issue.path)
      if (from === undefined) return schemaProblems(this.#file, nodeSchema, [issue])
      const finding = issueFinding(issue, from.value, String(from.value))
      return [environmentProblem(from.variable, finding.message, finding.hint)]
    })
  }

  problemAt(path: YamlPath, finding: Finding): Problem {
    const from = this.#variableAt(path)
    if (from !== undefined) return environmentProblem(from.variable, finding.message, finding.hint)
    return this.#file.source.problemAt(this.#file.span(path), finding)
  }

  valueAt(path: readonly string[]): unknown {
    return this.#variableAt(path)?.value ?? this.#file.valueAt(path)
  }

  /** The absolute path of a key. */
  resolve(key: readonly string[], written: string): string {
    const isOfSample = this.#isSample && key[0] !== 'topology'
    if (isOfSample || this.#variableAt(key) !== undefined) return resolve(written)
    return resolve(dirname(this.#file.source.name), written)
  }

  #variableAt(path: YamlPath): EnvironmentValue | undefined {
    return this.#fromEnvironment.find((from) => from.path.every((key, index) => path[index] === key))
  }
}

/** A copy of the values with one more. A parent that is not a mapping is kept; the schema reports it. */
function withValue(values: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  if (values !== undefined && values !== null && (typeof values !== 'object' || Array.isArray(values)))
    return values
  const record = (values ?? {}) as Readonly<Record<string, unknown>>
  return { ...record, [key]: withValue(record[key], rest, value) }
}

interface CheckedValues {
  readonly config: NodeConfig
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/** Checks across several values, and checks that read files. */
function checkValues(values: NodeFile, source: ConfigSource): CheckedValues {
  const { listen, interval } = values
  const problems: Problem[] = []
  const warnings: Problem[] = []
  if (interval.min > interval.max) {
    problems.push(
      source.problemAt(['interval', 'min'], {
        message: 'interval.min is longer than interval.max',
        hint: 'lower it, or raise interval.max',
      }),
    )
  }
  problems.push(...sharedPortProblems(listen, source))
  const readToken = (owner: SecretOwner, key: SecretName = 'token') => {
    const { value, problem } = tokenOf(owner, key, values, source)
    if (problem !== undefined) problems.push(problem)
    return value
  }
  const admin = { token: readToken('admin'), readToken: readToken('admin', 'readToken') }
  problems.push(...adminTokenProblems(admin, values, source))
  const hasAdminToken = values.admin.token !== undefined || values.admin.tokenFile !== undefined
  if (!hasAdminToken && !isLoopback(listen.admin.host)) {
    warnings.push(
      source.problemAt(['listen', 'admin'], {
        message: 'warning: without admin.token, the admin listener answers requests from this machine only',
        hint: 'set admin.token or admin.tokenFile, or listen on 127.0.0.1',
      }),
    )
  }
  const directories = resolveDirectories(values, source)
  const config: NodeConfig = {
    site: values.site,
    topologyPath: source.resolve(['topology'], values.topology),
    listen: { ...listen, tls: tlsFiles(['listen', 'tls'], listen.tls, source, { problems, warnings }) },
    observe: values.observe,
    carry: { cacheBytes: values.carry.cache },
    store: values.store,
    dataDirectory: directories.data,
    interval: { minMs: interval.min, maxMs: interval.max },
    torrents: { admit: values.torrents.admit, directory: directories.torrents },
    origin: {
      ...values.origin,
      directory: directories.origin,
      redirectsTo: readPrefixes(values.origin.redirectsTo),
    },
    admin,
    federation: {
      token: readToken('federation'),
      tls: federationTls(values, source, { problems, warnings }),
    },
    webhooks: {
      urls: values.webhooks.urls,
      events: values.webhooks.events,
      secret: readToken('webhooks', 'secret'),
    },
    announce: { tokenFile: announceTokenFile(values, source, problems) },
    limits: values.limits,
    trustedProxies: readPrefixes(values.trustedProxies),
    log: values.log,
  }
  return { config, problems, warnings }
}

/** The listeners that use TCP need ports of their own. */
function sharedPortProblems(listen: NodeFile['listen'], source: ConfigSource): Problem[] {
  const tcp = [
    ['http', 6969],
    ['admin', 6970],
    ['peers', 6968],
  ] as const
  return tcp.flatMap(([name, usualPort], index) =>
    tcp.slice(0, index).flatMap(([other]) => {
      const { port } = listen[name]
      if (port === 0 || port !== listen[other].port || !overlap(listen[name], listen[other])) return []
      return [
        source.problemAt(['listen', name], {
          message: `listen.${name} and listen.${other} are the same address`,
          hint: `use another port for listen.${name}, such as ${usualPort}`,
        }),
      ]
    }),
  )
}

/** Adds the problems of the file. */
function announceTokenFile(
  { announce: { tokenFile } }: NodeFile,
  source: ConfigSource,
  problems: Problem[],
): string | undefined {
  if (tokenFile === undefined) return undefined
  const key = ['announce', 'tokenFile']
  const path = source.resolve(key, tokenFile)
  try {
    readAnnounceTokens(path)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const { line, message, hint } of error.problems)
      problems.push(source.problemAt(key, { message: `${path}:${line}: ${message}`, hint }))
  }
  return path
}

function readPrefixes(texts: readonly string[]): Prefix[] {
  return texts.map(readPrefix).filter((prefix): prefix is Prefix => !isPrefixProblem(prefix))
}

/** Registered torrents are below the data directory unless they have a directory of their own. */
function resolveDirectories({ dataDirectory, torrents, origin }: NodeFile, source: ConfigSource) {
  const data = source.resolve(['dataDirectory'], dataDirectory)
  return {
    data,
    torrents:
      torrents.directory === undefined
        ? join(data, 'torrents')
        : source.resolve(['torrents', 'directory'], torrents.directory),
    origin:
      origin.directory === undefined ? undefined : source.resolve(['origin', 'directory'], origin.directory),
  }
}

const isWildcard = (host: string) => host === '0.0.0.0' || host === '::'

const overlap = (a: ListenAddress, b: ListenAddress) =>
  a.host === b.host || isWildcard(a.host) || isWildcard(b.host)

function isLoopback(host: string): boolean {
  const address = parseAddress(host)
  if (address === undefined) return false
  return address.isV4 ? address.word3 >>> 24 === 127 : address.toString() === '::1'
}

/** With a token to read and none to operate, requests of every caller could change the node, or none could. */
function adminTokenProblems(
  { token: operate, readToken }: NodeConfig['admin'],
  { admin }: NodeFile,
  source: ConfigSource,
): Problem[] {
  const key = ['admin', admin.readTokenFile === undefined ? 'readToken' : 'readTokenFile']
  if (admin.readToken === undefined && admin.readTokenFile === undefined) return []
  if (admin.token === undefined && admin.tokenFile === undefined)
    return [
      source.problemAt(key, {
        message: 'admin has a token to read, and none to operate',
        hint: 'set admin.token or admin.tokenFile too',
      }),
    ]
  if (readToken === undefined || readToken !== operate) return []
  return [
    source.problemAt(key, {
      message: 'admin.readToken is the same as admin.token',
      hint: 'make another one with: openssl rand -hex 16',
    }),
  ]
}
