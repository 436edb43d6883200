/** Reads the topology file into the topology of the tracker, or reports every problem in it. */
import { ConfigError, type Problem } from '../core/errors.ts'
import { buildTopology, type CompiledTopology, compileTopology } from '../topology/build-topology.ts'
import { isPrefixProblem, prefixKey, readPrefix } from '../topology/prefix.ts'
import { type TopologyFile, topologySchema } from '../topology/schema.ts'
import type { Topology } from '../topology/topology.ts'
import { topologyProblems } from './check-topology.ts'
import { schemaProblems, sortProblems } from './report.ts'
import { topologyWarnings } from './topology-warnings.ts'
import { readText, YamlFile } from './yaml-file.ts'

export interface LoadedTopology {
  readonly topology: Topology
  /** The checked values of the file. */
  readonly file: TopologyFile
  readonly prefixCount: number
  /** Problems that do not keep the topology from being used. */
  readonly warnings: readonly Problem[]
}

/** Throws a `ConfigError` with every problem. */
export function loadTopologyFile(path: string): Topology {
  return buildTopology(checkedFile(readTopologyText(path), path).parsed)
}

export function loadTopology(path: string): LoadedTopology {
  return readTopology(readTopologyText(path), path)
}

/** For another thread. Throws a `ConfigError` with every problem. */
export function compileTopologyFile(path: string): CompiledTopology {
  return compileTopology(checkedFile(readTopologyText(path), path).parsed)
}

function readTopologyText(path: string): string {
  return readText(path, 'name an existing file, or start from config/topology.yaml')
}

/** `fileName` appears in problems. Throws a `ConfigError` with every problem. */
export function parseTopology(text: string, fileName: string): Topology {
  return readTopology(text, fileName).topology
}

function readTopology(text: string, fileName: string): LoadedTopology {
  const { file, parsed } = checkedFile(text, fileName)
  return {
    topology: buildTopology(parsed),
    file: parsed,
    prefixCount: countPrefixes(parsed),
    warnings: topologyWarnings(file),
  }
}

function checkedFile(
  text: string,
  fileName: string,
): { readonly file: YamlFile; readonly parsed: TopologyFile } {
  const file = new YamlFile(fileName, text)
  if (file.value === undefined) throw new ConfigError(file.problems)
  if (file.value === null) {
    throw new ConfigError([
      ...file.problems,
      file.source.problem('the file is empty', 'start from config/topology.yaml'),
    ])
  }
  const parsed = topologySchema.safeParse(file.value)
  const problems = [
    ...file.problems,
    ...(parsed.success ? [] : schemaProblems(file, topologySchema, parsed.error.issues)),
    ...topologyProblems(file),
  ]
  if (!parsed.success || problems.length > 0) throw new ConfigError(sortProblems(problems))
  return { file, parsed: parsed.data }
}

/** Repeated prefixes count once. */
function countPrefixes({ sites }: TopologyFile): number {
  const places = Object.values(sites).flatMap((site) => [site, ...Object.values(site.bubbles)])
  const prefixes = places.flatMap(({ cidrs }) => cidrs.map(readPrefix))
  return new Set(prefixes.map((prefix) => (isPrefixProblem(prefix) ? undefined : prefixKey(prefix)))).size
}
