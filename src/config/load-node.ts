/**
 * Loads both files of a node, for `serve` and `check`. All problems of both are found in one pass, the topology's
 * even when the configuration has some.
 */
import { ConfigError } from '../core/errors.ts'
import { type Problem, summarized } from '../core/problem.ts'
import { type Topology, UNMAPPED_SITE } from '../topology/topology.ts'
import { type ConfigOptions, type NodeConfig, type ReadConfig, readConfig } from './load-config.ts'
import { type LoadedTopology, loadTopology } from './load-topology.ts'
import { nodeWarnings } from './node-warnings.ts'
import { sortProblems } from './report.ts'
import { sampleFiles } from './sample-files.ts'
import { suggestion } from './suggest.ts'

export interface NodeCheck {
  /** undefined if it has problems. */
  readonly config: NodeConfig | undefined
  readonly publicConfiguration: ReadConfig['publicConfiguration']
  /** undefined if only a topology was checked. */
  readonly configPath: string | undefined
  /** undefined if it has problems. */
  readonly topology: Topology | undefined
  /** Of the topology. */
  readonly prefixCount: number | undefined
  /** undefined if the configuration does not name one. */
  readonly topologyPath: string | undefined
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

export interface LoadedNode {
  readonly config: NodeConfig
  /** See `ReadConfig.publicConfiguration`. */
  readonly publicConfiguration: Readonly<Record<string, unknown>>
  readonly topology: Topology
  /** Problems that do not keep the node from starting. */
  readonly warnings: readonly Problem[]
}

/** Throws a `ConfigError` with every problem of both files. */
export function loadNode(options: ConfigOptions): LoadedNode {
  const { config, publicConfiguration = {}, topology, problems, warnings } = checkNode(options)
  if (config === undefined || topology === undefined || problems.length > 0) throw new ConfigError(problems)
  return { config, publicConfiguration, topology, warnings: summarized(warnings) }
}

/** `topologyPath` overrides the path in the configuration. */
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
    publicConfiguration: read?.publicConfiguration,
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
      ...(read?.config && loaded ? nodeWarnings(read, read.config, loaded) : []),
      ...(loaded?.warnings ?? []),
    ],
  }
}

/** Checks a topology file without a node configuration. */
export function checkTopologyFile(topologyPath: string): NodeCheck {
  const [loaded, problems] = attempt<LoadedTopology>(() => loadTopology(topologyPath))
  return {
    config: undefined,
    publicConfiguration: undefined,
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
    hint: suggestion(site, names) ?? 'use the name of a site in the topology file',
  })
}

/** The value, or the problems that prevent it. */
function attempt<T>(read: () => T): readonly [T | undefined, readonly Problem[]] {
  try {
    return [read(), []]
  } catch (error) {
    if (error instanceof ConfigError) return [undefined, error.problems]
    throw error
  }
}
