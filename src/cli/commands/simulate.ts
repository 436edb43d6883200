/**
 * `simulate`: the cost of a rollout on this topology. The real handout policy in virtual time with modelled
 * clients, compared with a topology-blind tracker and with biased neighbour selection.
 */
import { writeFile } from 'node:fs/promises'
import { elapsedMs } from '../../core/clock.ts'
import { InputError } from '../../core/errors.ts'
import type { Outcome } from '../../simulation/outcome.ts'
import { drawOutcomes } from '../../simulation/picture.ts'
import { runSimulation, type Progress } from '../../simulation/run-simulation.ts'
import { type Command, type CommandContext, exitCodes, textFlag } from '../command.ts'
import { readSimulation, simulationDefaults as defaults } from '../simulation-arguments.ts'
import { describeOutcomes, describeScenario, formatSeconds, outcomeDocument } from '../simulation-report.ts'
import { UsageError } from '../../client/usage-error.ts'

export const simulateCommand: Command = {
  examples: [
    'siteswarm simulate --topology topology.yaml --hosts 200 --size 4GiB --wan 1gbit --nic 10gbit',
    'siteswarm simulate --topology topology.yaml --hosts 50,fra=1000 --wan 200mbit,fra=1gbit --svg rollout.svg',
    'siteswarm simulate --sites 10 --hosts 100 --policy siteswarm --seed 1 --json',
  ],
  flags: [
    {
      flags: '-t, --topology <file>',
      description: 'topology file (default: SITESWARM_TOPOLOGY, else --sites)',
    },
    {
      flags: '--sites <n>',
      description: `without a file: number of equal sites (default ${defaults.sites})`,
    },
    {
      flags: '--hosts <n>',
      description: `hosts of each site, or 50,fra=1000; one is the source (default ${defaults.hosts})`,
    },
    { flags: '--source <site>', description: 'site of the source (default: the first site)' },
    { flags: '--size <size>', description: `size of the file (default ${defaults.size})` },
    {
      flags: '--wan <rate>',
      description: `link of each site to the others, or 200mbit,fra=1gbit (default ${defaults.wan})`,
    },
    { flags: '--nic <rate>', description: `link of each host (default ${defaults.nic})` },
    {
      flags: '--client <name>',
      description: `libtorrent, aria2, transmission, rtorrent or mixed (default ${defaults.client})`,
    },
    { flags: '--policy <names>', description: `policies to compare (default ${defaults.policies})` },
    { flags: '--seed <n>', description: 'repeats a run (default: random, and printed)' },
    { flags: '--svg <file>', description: 'write a picture: hosts done over time' },
  ],
  async run(_args, flags, context) {
    try {
      const { scenario, policies } = readSimulation(flags, context)
      context.err(`simulating ${describeScenario(scenario)}`)
      const report = progressReporter(context)
      const outcomes: Outcome[] = []
      for (const policy of policies) {
        const outcome = await runSimulation(scenario, policy, { signal: context.signal, onProgress: report })
        if (outcome === undefined) {
          context.err('simulate: interrupted')
          return exitCodes.no
        }
        outcomes.push(outcome)
      }
      const path = textFlag(flags, 'svg')
      if (path !== undefined) await writePicture(path, drawOutcomes(outcomes, describeScenario(scenario)))
      if (flags['json'] === true) context.out(JSON.stringify(outcomeDocument(scenario, outcomes)))
      else for (const line of describeOutcomes(scenario, outcomes)) context.out(line)
      return outcomes.every((outcome) => outcome.unfinished === 0) ? exitCodes.yes : exitCodes.no
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      context.err(`simulate: ${error.message}`)
      return exitCodes.usage
    }
  },
}

/** A progress line that overwrites itself on a terminal; nothing elsewhere. */
function progressReporter(context: CommandContext): (progress: Progress) => void {
  let shownMs = -Infinity
  let hasLine = false
  return ({ policy, simulatedSeconds, bytes, hosts }) => {
    if (!context.isTerminal || elapsedMs() - shownMs < SHOWN_EVERY_MS) return
    shownMs = elapsedMs()
    const percent = (share: number) => `${(100 * share).toFixed(0)} %`
    const state = `${policy}: ${percent(bytes)} of all bytes, ${percent(hosts)} of the hosts done after ${formatSeconds(simulatedSeconds)}`
    context.err(hasLine ? `${LINE_UP}${state}` : state)
    hasLine = true
  }
}

const SHOWN_EVERY_MS = 200
/** One line up, and clear it. */
const LINE_UP = '\u001b[1A\u001b[2K'

async function writePicture(path: string, svg: string): Promise<void> {
  try {
    await writeFile(path, svg)
  } catch (error) {
    throw new InputError(
      `the picture cannot be written to ${path} (${(error as NodeJS.ErrnoException).code}); name another file with --svg`,
    )
  }
}
