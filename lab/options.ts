/**
 * Command line of the laboratory. Precedence: command line, then the scenario's shape, then the defaults.
 */
import { parseArgs } from 'node:util'
import { InputError } from '../src/core/errors.ts'
import { clientsNamed } from './clients/kinds.ts'
import type { RunOptions } from './result.ts'
import { type Scenario, scenarioNamed, scenarios } from './scenarios.ts'
import { trackerNamed } from './trackers/kinds.ts'
import { boundSeconds } from './summary.ts'
import { wanRates } from './wan-rate.ts'

export interface LabCommand {
  readonly action: 'run' | 'list' | 'help' | 'calibrate'
  readonly scenarios: readonly Scenario[]
  /** Undefined: every tracker that is installed. */
  readonly trackers: readonly string[] | undefined
  readonly runs: number
  readonly isJson: boolean
  readonly optionsFor: (scenario: Scenario, tracker: string, run: number) => RunOptions
}

/** The longest re-announce interval of a client is 600 s; a lost announce is repeated only then. */
const REANNOUNCE_SECONDS = 700

export const usage = `npm run lab -- [SCENARIO…] [options]
  --list                  the scenarios, clients with their settings, and trackers
  --all                   every scenario
  --calibrate             measures the shaped links with plain TCP
  --trackers A,B          one after the other (default: all that are installed)
  --client NAME           libtorrent, aria2, transmission, rtorrent, mixed, or a list (default libtorrent)
  --settings NAME         a named set of client settings; see --list (default tcp)
  --sites N --hosts N     sites, and hosts in each (default 3 and 8); the source is one of them
  --bubbles N             bubbles in each site (default 2)
  --size SIZE             of each file (default 192MiB)
  --wan RATE --nic RATE   of a site's uplink and of a host, each direction (default 80mbit and 200mbit);
                          --wan 80mbit,40mbit,80mbit: one for each site
  --congestion NAME       congestion control of the hosts (default cubic)
  --runs N                of each scenario and tracker (default 1)
  --seed N                content and start times; run n uses seed + n - 1 (default 1)
  --timeout SECONDS       for one run (default ten times the bound plus 700)
  --json                  the results as one JSON document on standard output`

export function readCommand(argv: readonly string[]): LabCommand {
  const { values, positionals } = parse(argv)
  const flags = values
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
    runs: count(flags.runs ?? '1', '--runs'),
    isJson: flags.json === true,
    optionsFor: (scenario, tracker, run) => {
      const client = flags.client ?? scenario.shape.client ?? 'libtorrent'
      const settings = flags.settings ?? scenario.shape.settings ?? 'tcp'
      for (const kind of clientsNamed(client)) {
        if (settings in kind.settings) continue
        const known = Object.keys(kind.settings).join(', ')
        throw new InputError(`${kind.name} has no settings "${settings}"; known: ${known}`)
      }
      const options = {
        scenario: scenario.name,
        tracker,
        client,
        settings,
        sites: flags.sites === undefined ? (scenario.shape.sites ?? 3) : count(flags.sites, '--sites'),
        hosts: flags.hosts === undefined ? (scenario.shape.hosts ?? 8) : count(flags.hosts, '--hosts'),
        hostsOfSite: scenario.shape.hostsOfSite ?? {},
        bubbles:
          flags.bubbles === undefined ? (scenario.shape.bubbles ?? 2) : count(flags.bubbles, '--bubbles'),
        sizeBytes:
          flags.size === undefined ? (scenario.shape.sizeBytes ?? bytes('192MiB')) : bytes(flags.size),
        ...wanRates((flags.wan ?? '80mbit').split(',').map((each) => rate(each, '--wan'))),
        nicBitsPerSecond: rate(flags.nic ?? '200mbit', '--nic'),
        congestion: flags.congestion ?? 'cubic',
        seed: count(flags.seed ?? '1', '--seed') + run - 1,
      }
      const bound = boundSeconds({ ...options, timeoutSeconds: 0 }, scenario.torrents)
      return {
        ...options,
        timeoutSeconds:
          flags.timeout === undefined
            ? Math.ceil(10 * bound) + REANNOUNCE_SECONDS
            : count(flags.timeout, '--timeout'),
      }
    },
  }
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
        trackers: text,
        client: text,
        settings: text,
        sites: text,
        hosts: text,
        bubbles: text,
        size: text,
        wan: text,
        nic: text,
        congestion: text,
        runs: text,
        seed: text,
        timeout: text,
      },
    })
  } catch (error) {
    throw new InputError(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
}

function count(value: string, flag: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InputError(`${flag} expects a whole number from 1, not "${value}"`)
  return number
}

function bytes(value: string): number {
  const match = /^(\d+)(KiB|MiB|GiB)$/.exec(value)
  if (match === null) throw new InputError(`--size expects a size such as 192MiB, not "${value}"`)
  return Number(match[1]) * { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[match[2] as 'KiB' | 'MiB' | 'GiB']
}

function rate(value: string, flag: string): number {
  const match = /^(\d+)(kbit|mbit|gbit)$/.exec(value)
  if (match === null) throw new InputError(`${flag} expects a rate such as 80mbit, not "${value}"`)
  return Number(match[1]) * { kbit: 1e3, mbit: 1e6, gbit: 1e9 }[match[2] as 'kbit' | 'mbit' | 'gbit']
}
