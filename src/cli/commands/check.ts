/**
 * `check`: prints every problem of the configuration and the topology without starting a node.
 *
 * The problems are the result, so they go to standard output. With `--topology` alone, only the topology is
 * checked.
 */
import type { NodeConfig } from '../../config/load-config.ts'
import { checkNode, checkTopologyFile, type NodeCheck } from '../../config/load-node.ts'
import { readTlsFiles } from '../../config/tls-files.ts'
import { problemPage } from '../../core/problem.ts'
import { NO_BUBBLE, type Topology, UNMAPPED_SITE } from '../../topology/topology.ts'
import { type Command, type CommandContext, type ExitCode, exitCodes, textFlag } from '../command.ts'
import { type Contact, contactNodes, type OwnFederation, targetsOf } from '../contact-nodes.ts'
import { describeContacts } from '../contact-report.ts'

export const checkCommand: Command = {
  examples: [
    'siteswarm check --config /etc/siteswarm/siteswarm.yaml',
    'siteswarm check --topology topology.yaml',
    'siteswarm check --config siteswarm.yaml --topology new-topology.yaml --json',
    'siteswarm check --config siteswarm.yaml --online',
  ],
  flags: [
    {
      flags: '-c, --config <file>',
      description: 'node configuration; SITESWARM_ variables override it',
    },
    {
      flags: '-t, --topology <file>',
      description: 'topology file, in place of the one in the configuration',
    },
    {
      flags: '--online',
      description: 'also resolve the names and contact the nodes that the topology names',
    },
  ],
  async run(_args, flags, context) {
    const path = textFlag(flags, 'config')
    const topologyPath = textFlag(flags, 'topology')
    const check =
      path === undefined && topologyPath !== undefined
        ? checkTopologyFile(topologyPath)
        : checkNode({ path, topologyPath, environment: context.environment })
    const contacts = flags['online'] === true ? await contactAll(check, context) : undefined
    if (flags['json'] === true) context.out(JSON.stringify(asDocument(check, contacts)))
    else for (const text of [...describe(check), ...describeOnline(contacts)]) context.out(text)
    return exitCodeOf(check, contacts)
  },
}

/** undefined without a topology: there is nothing to contact. */
async function contactAll(
  { config, topology }: NodeCheck,
  { version, environment, signal, showStatus }: CommandContext,
): Promise<readonly Contact[] | undefined> {
  if (topology === undefined) return undefined
  const targets = targetsOf(topology)
  showStatus?.(`contacting ${counted(targets.length, 'URL')} …`)
  const contacts = await contactNodes(targets, {
    federation: config === undefined ? undefined : federationOf(config),
    version,
    environment,
    signal,
  })
  showStatus?.('')
  return contacts
}

function federationOf({ site, federation: { token, tls } }: NodeConfig): OwnFederation | undefined {
  if (token === undefined && tls === undefined) return undefined
  const pair = tls === undefined ? undefined : readTlsFiles(tls).pair
  return { site, credentials: { token, pair }, authorityPath: tls?.authority }
}

function describeOnline(contacts: readonly Contact[] | undefined): string[] {
  return contacts === undefined ? [] : ['', ...describeContacts(contacts)]
}

/** A node that is not reachable may be down for a moment; one that is not the expected one is a mistake in a file. */
function exitCodeOf({ problems }: NodeCheck, contacts: readonly Contact[] = []): ExitCode {
  if (problems.length > 0) return exitCodes.configuration
  if (contacts.some(({ isReachable }) => !isReachable)) return exitCodes.unreachable
  return contacts.every(({ isOk }) => isOk) ? exitCodes.yes : exitCodes.no
}

function asDocument(
  { configPath, topologyPath, topology, prefixCount, problems, warnings }: NodeCheck,
  contacts: readonly Contact[] | undefined,
) {
  return {
    isValid: problems.length === 0,
    config: configPath ?? null,
    topology: topologyPath ?? null,
    sites: topology === undefined ? null : sitesOf(topology),
    bubbles: topology === undefined ? null : bubblesOf(topology),
    prefixes: prefixCount ?? null,
    topologyHash: topology?.hash ?? null,
    problems,
    warnings,
    ...(contacts === undefined ? {} : { contacts }),
  }
}

function describe(check: NodeCheck): string[] {
  const { config, topology, prefixCount = 0, problems, warnings } = check
  const found = problemPage([...problems, ...warnings]).map((block) => `${block}\n`)
  const warned = counted(warnings.length, 'warning')
  if (problems.length > 0 || topology === undefined) {
    return [...found, `${counted(problems.length, 'problem')}, ${warned}`]
  }
  const sites = counted(sitesOf(topology).length, 'site')
  const bubbles = counted(bubblesOf(topology), 'bubble')
  return [
    ...found,
    ...(config === undefined ? [] : [`${check.configPath}: fine, a node of site ${config.site}`]),
    `${check.topologyPath}: fine, ${sites}, ${bubbles}, ${counted(prefixCount, 'prefix', 'prefixes')}, hash ${topology.hash}`,
    ...(warnings.length === 0 ? [] : [warned]),
  ]
}

function sitesOf(topology: Topology): string[] {
  return topology.sites.map(({ name }) => name).filter((name) => name !== UNMAPPED_SITE)
}

function bubblesOf(topology: Topology): number {
  return topology.places.filter(({ bubble }) => bubble !== NO_BUBBLE).length
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
