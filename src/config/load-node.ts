/**
 * Both files of a node together: what `serve` starts from, and what `check` looks at. All problems of both are
 * found in one go, the topology's even when the configuration has some.
 */
import { ConfigError, type Problem } from '../core/errors.ts'
import { type Topology, UNMAPPED_SITE } from '../topology/topology.ts'
import { type ConfigOptions, type NodeConfig, type ReadConfig, readConfig } from './load-config.ts'
import { type LoadedTopology, loadTopology } from './load-topology.ts'
import { sortProblems } from './report.ts'
import { sampleFiles } from './sample-files.ts'
import { suggestion } from './suggest.ts'

export interface NodeCheck {
  /** undefined where it has problems. */
  readonly config: NodeConfig | undefined
  /** undefined where only a topology was checked. */
  readonly configPath: string | undefined
  /** undefined where it has problems. */
  readonly topology: Topology | undefined
  /** Of the topology. */
  readonly prefixCount: number | undefined
  /** undefined where the configuration does not say it. */
  readonly topologyPath: string | undefined
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

export interface LoadedNode {
  readonly config: NodeConfig
  readonly topology: Topology
  /** What works, but not as its author may think. */
  readonly warnings: readonly Problem[]
}

/** Throws a `ConfigError` with every problem of both files. */
export function loadNode(options: ConfigOptions): LoadedNode {
  const { config, topology, problems, warnings } = checkNode(options)
  if (config === undefined || topology === undefined || problems.length > 0) throw new ConfigError(problems)
  return { config, topology, warnings }
}

/** `topologyPath` instead of the one that the configuration names. */
export function checkNode(
  options: ConfigOptions & { readonly topologyPath?: string | undefined },
): NodeCheck {
  const [read, configProblems] = attempt<ReadConfig>(() => readConfig(options))
  const topologyPath = options.topologyPath ?? read?.topologyPath
  const [loaded, topologyFileProblems] =
    topologyPath === undefined ? [undefined, []] : attempt<LoadedTopology>(() => loadTopology(topologyPath))
  const unknownSite =
    loaded && read?.site !== undefined ? siteProblem(read, read.site, loaded.topology) : undefined
  return {
    config: read?.config,
    configPath: options.path ?? sampleFiles.config,
    topology: loaded?.topology,
    prefixCount: loaded?.prefixCount,
    topologyPath,
    problems: [
      ...configProblems,
      ...sortProblems([...(read?.problems ?? []), ...(unknownSite === undefined ? [] : [unknownSite])]),
      ...topologyFileProblems,
    ],
    warnings: [
      ...(read?.warnings ?? []),
      ...(read?.config && loaded ? federationWarnings(read, read.config, loaded.topology) : []),
      ...(loaded?.warnings ?? []),
    ],
  }
}

/** The same for a topology that belongs to no node yet. */
export function checkTopologyFile(topologyPath: string): NodeCheck {
  const [loaded, problems] = attempt<LoadedTopology>(() => loadTopology(topologyPath))
  return {
    config: undefined,
    configPath: undefined,
    topology: loaded?.topology,
    prefixCount: loaded?.prefixCount,
    topologyPath,
    problems,
    warnings: loaded?.warnings ?? [],
  }
}

function siteProblem(read: ReadConfig, site: string, topology: Topology): Problem | undefined {
  // The site of isolated addresses is in the topology, but no node belongs to it.
  const names = topology.sites.map((each) => each.name).filter((name) => name !== UNMAPPED_SITE)
  if (names.includes(site)) return undefined
  return read.problemAt(['site'], {
    message: `the topology has no site "${site}"`,
    hint: suggestion(site, names) ?? 'use a name that stands under sites in the topology file',
  })
}

/** The topology says which sites speak for themselves, and the configuration whether this node does: one alone is half of it. */
function federationWarnings(
  read: ReadConfig,
  { site, federation }: NodeConfig,
  topology: Topology,
): Problem[] {
  const speaking = topology.sites.filter((each) => each.federation.length > 0).map(({ name }) => name)
  const others = speaking.filter((name) => name !== site)
  const warn = (key: string, message: string, hint: string) => [
    read.problemAt([key], { message: `warning: ${message}`, hint }),
  ]
  if (federation.token === undefined)
    return speaking.length === 0
      ? []
      : warn(
          'site',
          `the topology has federation URLs (${speaking.join(', ')}), but this node has no federation.token: it hears of no other site, and none of it`,
          'set federation.token or federation.tokenFile, the same one in all sites',
        )
  if (others.length === 0)
    return warn(
      'federation',
      'there is a federation.token, but no other site has federation URLs in the topology',
      'write the admin listeners of its nodes under federation of each site',
    )
  if (!speaking.includes(site))
    return warn(
      'federation',
      `this node hears of other sites (${others.join(', ')}), but none of ${site}, which has no federation URLs in the topology`,
      `write the admin listeners of its nodes under federation of ${site}`,
    )
  return []
}

/** The value, or why there is none. */
function attempt<T>(read: () => T): readonly [T | undefined, readonly Problem[]] {
  try {
    return [read(), []]
  } catch (error) {
    if (error instanceof ConfigError) return [undefined, error.problems]
    throw error
  }
}
