/**
 * Command line of the laboratory. Precedence: command line, then the scenario's shape, then the defaults.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { InputError } from '../src/core/errors.ts'
import { variableOf } from '../src/config/environment.ts'
import { clientsNamed } from './clients/kinds.ts'
import { closedPorts } from './closed-options.ts'
import { bytes, count, oneOf, rate } from './option-values.ts'
import { planHosts } from './plan.ts'
import type { RunOptions } from './result.ts'
import { type Scenario, scenarioNamed, scenarios } from './scenarios.ts'
import { boundSeconds } from './summary.ts'
import { trackerNamed } from './trackers/kinds.ts'
import { wanRates } from './wan-rate.ts'

export interface LabCommand {
  readonly action: 'run' | 'list' | 'help' | 'calibrate'
  readonly scenarios: readonly Scenario[]
  /** Undefined: every tracker that is installed. */
  readonly trackers: readonly string[] | undefined
  /** Directory of another checkout of siteswarm, measured beside this one. */
  readonly against: string | undefined
  readonly runs: number
  readonly isJson: boolean
  /** Numbers of hosts in each site, one run after the other; undefined: that of the scenario. */
  readonly hostCounts: readonly (number | undefined)[]
  readonly optionsFor: (scenario: Scenario, tracker: string, run: number, hosts?: number) => RunOptions
}

/** The longest re-announce interval of a client is 600 s; a lost announce is repeated only then. */
const REANNOUNCE_SECONDS = 700

export const usage = `npm run lab -- [SCENARIO…] [options]
  --list                  the scenarios, clients with their settings, and trackers
  --all                   every scenario
  --calibrate             measures the shaped links with plain TCP
  --trackers A,B          one after the other (default: all that are installed)
  --against DIR           another checkout of siteswarm, built, measured beside this one in each run
  --client NAME           see --list; mixed, or a list such as aria2,rtorrent (default libtorrent)
  --settings NAME         a named set of client settings; see --list (default tcp)
  --sites N --hosts N     sites, and hosts in each (default 3 and 8); the source is one of them;
                          --hosts 2,3,4: each scenario with 2, with 3 and with 4
  --bubbles N             bubbles in each site (default 2)
  --size SIZE             of each file (default 192MiB)
  --wan RATE --nic RATE   of a site's uplink and of a host, each direction (default 80mbit and 200mbit);
                          --wan 80mbit,40mbit,80mbit: one for each site
  --nodes N               nodes in each site of siteswarm-sites (default 1; 2 in carrier-killed and node-stopped)
  --node-nic RATE         of each node of siteswarm-sites (default: not limited)
  --set KEY=VALUE         a configuration key of the nodes of this checkout, such as observe.connections=0; repeatable
  --carry HOW             nodes (default): siteswarm nodes carry content between sites; direct: gateways do
  --closed-share PERCENT  hosts that close their client port, drawn with the seed (default 0%; 25% in closed-ports)
  --closed-hosts A,B      hosts that close their client port, by name, such as s2-b1-h1
  --closed-sites 2,3      sites all of whose hosts close their client port
  --closed-mode MODE      drop or reject (default drop)
  --closed-draw DRAW      first-hosts: the first leecher of each site is drawn (default in closed-ports); any
  --link-rate RATE        rate of all links between sites, as in a topology file, such as 20Mbit; measured in windows of 10 s
  --compare-progress      registers the torrent and compares the API of the nodes with the clients (siteswarm trackers)
  --isolated-sites        no packet passes between hosts of different sites; nodes reach all hosts
  --victim HOST           host to remove, in gateway-killed, gateway-cut, host-killed and host-cut
  --congestion NAME       congestion control of the hosts (default cubic)
  --runs N                of each scenario and tracker (default 1)
  --seed N                content, start times, and draws of hosts; run n uses seed + n - 1 (default 1)
  --timeout SECONDS       for one run (default ten times the bound plus 700)
  --keep-logs             keeps the logs of all clients and nodes of every run
  --json                  the results as one JSON document on standard output`

export function readCommand(argv: readonly string[]): LabCommand {
  const { values: flags, positionals } = parse(argv)
  const named = positionals.map(scenarioNamed)
  const chosen = flags.all === true ? scenarios : named
  const action =
    flags.help === true
      ? 'help'
      : flags.list === true
        ? 'list'
        : flags.calibrate === true
          ? 'calibrate'
          : 'run'
  if (action === 'run' && chosen.length === 0) throw new InputError(`no scenario given\n${usage}`)
  const trackers = flags.trackers?.split(',')
  trackers?.forEach(trackerNamed)
  return {
    action,
    scenarios: chosen,
    trackers,
    against: flags.against === undefined ? undefined : resolve(flags.against),
    runs: count(flags.runs ?? '1', '--runs'),
    isJson: flags.json === true,
    hostCounts: flags.hosts?.split(',').map((hosts) => count(hosts, '--hosts')) ?? [undefined],
    optionsFor: (...run) => readOptions(flags, ...run),
  }
}

type Flags = ReturnType<typeof parse>['values']

function readOptions(
  flags: Flags,
  scenario: Scenario,
  tracker: string,
  run: number,
  hosts?: number,
): RunOptions {
  const client = flags.client ?? scenario.shape.client ?? 'libtorrent'
  const settings = flags.settings ?? scenario.shape.settings ?? 'tcp'
  for (const kind of clientsNamed(client)) {
    if (settings in kind.settings) continue
    const known = Object.keys(kind.settings).join(', ')
    throw new InputError(`${kind.name} has no settings "${settings}"; known: ${known}`)
  }
  const linkRate = flags['link-rate'] ?? scenario.shape.linkRate
  const options = {
    scenario: scenario.name,
    tracker,
    client,
    settings,
    sites: flags.sites === undefined ? (scenario.shape.sites ?? 3) : count(flags.sites, '--sites'),
    hosts: hosts ?? hostsOf(flags.hosts) ?? scenario.shape.hosts ?? 8,
    hostsOfSite: scenario.shape.hostsOfSite ?? {},
    bubbles: flags.bubbles === undefined ? (scenario.shape.bubbles ?? 2) : count(flags.bubbles, '--bubbles'),
    sizeBytes: flags.size === undefined ? (scenario.shape.sizeBytes ?? bytes('192MiB')) : bytes(flags.size),
    ...wanRates((flags.wan ?? '80mbit').split(',').map((each) => rate(each, '--wan'))),
    nicBitsPerSecond: rate(flags.nic ?? '200mbit', '--nic'),
    congestion: flags.congestion ?? 'cubic',
    carry: oneOf(['nodes', 'direct'], flags.carry ?? 'nodes', '--carry'),
    nodes: flags.nodes === undefined ? (scenario.shape.nodes ?? 1) : count(flags.nodes, '--nodes'),
    ...(flags['node-nic'] === undefined ? {} : { nodeBitsPerSecond: rate(flags['node-nic'], '--node-nic') }),
    nodeEnvironment: nodeEnvironment(flags.set ?? []),
    isIsolated: flags['isolated-sites'] ?? scenario.shape.isIsolated ?? false,
    ...(linkRate === undefined ? {} : { linkRate }),
    ...(scenario.shape.linkOpensAfterSeconds === undefined
      ? {}
      : { linkOpensAfterSeconds: scenario.shape.linkOpensAfterSeconds }),
    comparesProgress: flags['compare-progress'] ?? scenario.shape.comparesProgress ?? false,
    keepsAllLogs: flags['keep-logs'] === true,
    seed: count(flags.seed ?? '1', '--seed') + run - 1,
    ...closedPorts(flags, scenario.shape.closed),
    ...(flags.victim === undefined ? {} : { victim: flags.victim }),
  }
  checkNames(options, scenario)
  const bound = boundSeconds({ ...options, timeoutSeconds: 0 }, scenario.torrents)
  return {
    ...options,
    timeoutSeconds:
      flags.timeout === undefined
        ? Math.ceil(10 * bound) + REANNOUNCE_SECONDS
        : count(flags.timeout, '--timeout'),
  }
}

/** The first of `--hosts 2,3,4`. */
function hostsOf(list: string | undefined): number | undefined {
  const [first] = list?.split(',') ?? []
  return first === undefined ? undefined : count(first, '--hosts')
}

/** `--set observe.connections=0` as the variable that the program reads. */
function nodeEnvironment(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [, key, value] = /^([\w.]+)=(.*)$/.exec(setting) ?? []
      if (key === undefined || value === undefined)
        throw new InputError(`--set expects KEY=VALUE, such as observe.connections=0, not "${setting}"`)
      return [variableOf(key.split('.')), value]
    }),
  )
}

/** Names of hosts, and sites of the scenario, that the shape does not have. */
function checkNames(options: Omit<RunOptions, 'timeoutSeconds'>, scenario: Scenario): void {
  const hosts = planHosts(options).map(({ name }) => name)
  const check = (flag: string, name: string) => {
    if (!hosts.includes(name))
      throw new InputError(`${flag}: unknown host "${name}"; the hosts are ${hosts.join(', ')}`)
  }
  for (const name of options.closed?.hosts ?? []) check('--closed-hosts', name)
  if (options.victim !== undefined) {
    check('--victim', options.victim)
    if (!scenario.faults.some(({ what }) => what.kind === 'remove-gateway' || what.kind === 'remove-host'))
      throw new InputError(`--victim: ${scenario.name} does not remove a host`)
  }
  const sitesNeeded = Math.max(
    0,
    ...scenario.impostors.map(({ site }) => site),
    ...scenario.faults.flatMap(({ when, what }) =>
      [when, what].map((part) => ('site' in part ? (part.site ?? 0) : 0)),
    ),
    ...(options.closed?.sites ?? []),
  )
  if (options.sites < sitesNeeded)
    throw new InputError(`${scenario.name} needs at least ${sitesNeeded} sites, not ${options.sites}`)
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const yes = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: yes,
        list: yes,
        all: yes,
        calibrate: yes,
        json: yes,
        'isolated-sites': yes,
        'keep-logs': yes,
        'compare-progress': yes,
        'link-rate': text,
        set: { type: 'string', multiple: true },
        nodes: text,
        'node-nic': text,
        'closed-sites': text,
        trackers: text,
        against: text,
        'closed-share': text,
        'closed-hosts': text,
        'closed-mode': text,
        'closed-draw': text,
        victim: text,
        client: text,
        settings: text,
        sites: text,
        hosts: text,
        bubbles: text,
        size: text,
        wan: text,
        nic: text,
        congestion: text,
        carry: text,
        runs: text,
        seed: text,
        timeout: text,
      },
    })
  } catch (error) {
    throw new InputError(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
}
