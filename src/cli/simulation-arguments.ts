/** Reads the flags of `simulate` into a scenario: quantities with units, and values that differ from site to site. */
import { loadTopologyFile } from '../config/load-topology.ts'
import { SITES_MAX } from '../core/limits.ts'
import { systemRandom } from '../core/random.ts'
import { clientMixes } from '../simulation/client-model.ts'
import { hostCount, type Scenario } from '../simulation/scenario.ts'
import { type PolicyName, policyNames } from '../simulation/simulation.ts'
import { uniformTopology } from '../simulation/uniform-topology.ts'
import { type Topology, UNMAPPED_SITE } from '../topology/topology.ts'
import { type CommandContext, type CommandFlags, textFlag } from './command.ts'
import { UsageError } from '../client/usage-error.ts'

/** The shaped links and hosts of the laboratory, for comparison with its results. */
export const simulationDefaults = {
  sites: '3',
  hosts: '8',
  size: '4GiB',
  wan: '80mbit',
  nic: '200mbit',
  client: 'libtorrent',
  policies: policyNames.join(','),
} as const

/** Twice the largest regular run; a flat swarm of this size takes several gigabytes of memory. */
const HOSTS_MAX = 60_000
/** A flash crowd: all hosts start at the same time. */
const START_WITHIN_SECONDS = 1

export interface SimulationRequest {
  readonly scenario: Scenario
  readonly policies: readonly PolicyName[]
}

/** Throws a `UsageError`, or a `ConfigError` for the topology file. */
export function readSimulation(flags: CommandFlags, { environment }: CommandContext): SimulationRequest {
  const topology = readTopology(flags, environment['SITESWARM_TOPOLOGY'])
  const text = (name: Exclude<keyof typeof simulationDefaults, 'policies' | 'sites'>) =>
    textFlag(flags, name) ?? simulationDefaults[name]
  const clients = clientMixes[text('client')]
  if (clients === undefined)
    throw new UsageError(`--client ${text('client')}: expected ${Object.keys(clientMixes).join(', ')}`)
  const scenario: Scenario = {
    topology,
    hostsOfSite: perSite('--hosts', text('hosts'), simulationDefaults.hosts, topology, readCount),
    sourceSite: readSource(textFlag(flags, 'source'), topology),
    sizeBytes: readSize('--size', text('size')),
    nicBitsPerSecond: readRate('--nic', text('nic')),
    wanBitsPerSecond: perSite('--wan', text('wan'), simulationDefaults.wan, topology, readRate),
    clients,
    seed: readSeed(textFlag(flags, 'seed')),
    startWithinSeconds: START_WITHIN_SECONDS,
  }
  if ((scenario.hostsOfSite[scenario.sourceSite] ?? 0) === 0)
    throw new UsageError('--hosts: the site of the source has no host; name another with --source')
  if (hostCount(scenario) < 2)
    throw new UsageError('--hosts: the source alone has nothing to do; at least two hosts')
  if (hostCount(scenario) > HOSTS_MAX)
    throw new UsageError(`--hosts: ${hostCount(scenario)} hosts; at most ${HOSTS_MAX} can be simulated`)
  return { scenario, policies: readPolicies(textFlag(flags, 'policy') ?? simulationDefaults.policies) }
}

function readTopology(flags: CommandFlags, fromEnvironment: string | undefined): Topology {
  const sites = textFlag(flags, 'sites')
  const path = textFlag(flags, 'topology')
  if (sites !== undefined && path !== undefined)
    throw new UsageError('--sites and --topology: give only one of them; the file defines the sites')
  const file = path ?? (sites === undefined ? fromEnvironment : undefined)
  if (file !== undefined) return loadTopologyFile(file)
  const count = readCount('--sites', sites ?? simulationDefaults.sites)
  if (count < 1 || count > SITES_MAX)
    throw new UsageError(`--sites ${count}: expected a number from 1 to ${SITES_MAX}`)
  return uniformTopology(count)
}

/** `80mbit` for all, or `fra=1gbit,ams=100mbit`, or both: `80mbit,fra=1gbit`. */
function perSite(
  flag: string,
  given: string,
  byDefault: string,
  topology: Topology,
  read: (flag: string, text: string) => number,
): number[] {
  const parts = given.split(',')
  const forAll = parts.filter((part) => !part.includes('='))
  if (forAll.length > 1) throw new UsageError(`${flag} ${given}: more than one value for all sites`)
  const common = read(flag, forAll[0] ?? byDefault)
  const values = topology.sites.map((site) =>
    site.name === UNMAPPED_SITE && flag === '--hosts' ? 0 : common,
  )
  for (const part of parts.filter((candidate) => candidate.includes('='))) {
    const [name = '', value = ''] = part.split('=')
    values[siteNamed(flag, name.trim(), topology)] = read(flag, value)
  }
  return values
}

function readSource(name: string | undefined, topology: Topology): number {
  return name === undefined ? 0 : siteNamed('--source', name, topology)
}

function siteNamed(flag: string, name: string, topology: Topology): number {
  const site = topology.siteNamed(name)
  if (site !== undefined) return site.index
  const names = topology.sites.map((other) => other.name)
  const shown = names.length > 12 ? `${names.slice(0, 12).join(', ')}, …` : names.join(', ')
  throw new UsageError(`${flag}: unknown site ${JSON.stringify(name)}; the topology has ${shown}`)
}

function readCount(flag: string, text: string): number {
  if (!/^\d{1,6}$/.test(text.trim())) throw new UsageError(`${flag} ${text}: expected a whole number`)
  return Number(text)
}

function readSeed(text: string | undefined): number {
  if (text === undefined) return systemRandom().seed
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0xffff_ffff)
    throw new UsageError(
      `--seed ${text}: expected a number from 0 to 4294967295, as printed by an earlier run`,
    )
  return Number(text)
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

function readSize(flag: string, text: string): number {
  const size = readQuantity(text, SIZE_UNITS)
  if (size === undefined) throw new UsageError(`${flag} ${text}: expected a size such as 4GiB or 700MB`)
  return Math.round(size)
}

const RATE_UNITS: Readonly<Record<string, number>> = { kbit: 1e3, mbit: 1e6, gbit: 1e9 }

function readRate(flag: string, text: string): number {
  const rate = readQuantity(text.replace(/(?:\/s|ps)$/i, ''), RATE_UNITS)
  if (rate === undefined) throw new UsageError(`${flag} ${text}: expected a rate such as 80mbit or 10gbit`)
  return rate
}

function readQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]+)$/i.exec(text.trim())
  const unit = units[match?.[2]?.toLowerCase() ?? '']
  if (match === null || unit === undefined || Number(match[1]) === 0) return undefined
  return Number(match[1]) * unit
}

function readPolicies(text: string): PolicyName[] {
  const wanted = text.split(',').map((name) => name.trim())
  for (const name of wanted)
    if (!policyNames.some((policy) => policy === name))
      throw new UsageError(`--policy ${name}: expected some of ${policyNames.join(', ')}`)
  return policyNames.filter((policy) => wanted.includes(policy))
}
