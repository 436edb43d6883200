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
    warnings: [...(read?.warnings ?? []), ...(loaded?.warnings ?? [])],
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

/** The value, or why there is none. */
function attempt<T>(read: () => T): readonly [T | undefined, readonly Problem[]] {
  try {
    return [read(), []]
  } catch (error) {
    if (error instanceof ConfigError) return [undefined, error.problems]
    throw error
  }
}
