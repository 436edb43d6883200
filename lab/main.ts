/**
 * `npm run lab`: runs scenarios one after the other, prints a table, and writes the JSON and the chart of each run
 * to `lab/results/<date>-<scenario>/`.
 *
 * Exit codes: 0 every host of every run has the correct file · 1 at least one has not · 64 command line · 69 a program is
 * missing · 77 this machine does not allow network namespaces; no run was started.
 */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../src/core/errors.ts'
import { drawChart } from './chart.ts'
import { clientKinds } from './clients/kinds.ts'
import { type LabCommand, readCommand, usage } from './options.ts'
import { repositoryPath } from './repository.ts'
import { memoryProblem, missingOf, missingPrograms, namespaceProblem } from './requirements.ts'
import { type RunOptions, type ScenarioResult, isPassed, trackerLabel } from './result.ts'
import { runCalibration, runScenario } from './run-scenario.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { alignColumns, formatCalibration, formatResults, formatSites } from './table.ts'
import { trackerKinds, trackerNamed } from './trackers/kinds.ts'
import { siteswarmProgram } from './trackers/rewritten-torrent.ts'

const exitCodes = { yes: 0, no: 1, usage: 64, missing: 69, refused: 77 } as const
const log = (line: string) => process.stderr.write(`${line}\n`)
const print = (text: string) => process.stdout.write(`${text}\n`)

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())

try {
  process.exitCode = await main(readCommand(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof InputError)) throw error
  log(`lab: ${error.message}`)
  process.exitCode = exitCodes.usage
}

async function main(command: LabCommand): Promise<number> {
  if (command.action === 'help') print(usage)
  else if (command.action === 'list') print(catalogue())
  else if (command.action === 'calibrate') return calibrateLinks(command)
  else return runAll(command)
  return exitCodes.yes
}

async function runAll(command: LabCommand): Promise<number> {
  const first = command.scenarios[0]
  if (first === undefined) return exitCodes.usage
  const unavailable = await namespaceProblem(command.optionsFor(first, 'opentracker', 1).congestion)
  if (unavailable !== undefined) {
    log(`lab: ${unavailable}`)
    return exitCodes.refused
  }
  const trackers = await candidates(command)
  const problems = await problemsOf(command, trackers)
  if (problems.length > 0) {
    for (const each of problems) log(`lab: ${each}`)
    return exitCodes.missing
  }
  const results: ScenarioResult[] = []
  const planned = plannedRuns(command, trackers)
  const directories = new Map(
    command.scenarios.map(({ name }) => [name, repositoryPath(`lab/results/${dateAndTime()}-${name}`)]),
  )
  for (const [index, { scenario, candidate, run, hosts }] of planned.entries()) {
    if (stop.signal.aborted) break
    const options = {
      ...command.optionsFor(scenario, candidate.name, run, hosts),
      ...candidate.checkout,
    }
    const directory = directories.get(scenario.name) ?? ''
    log(
      `${index + 1} of ${planned.length}: ${scenario.name} with ${trackerLabel(options)}, ${options.sites} × ${options.hosts} hosts, seed ${options.seed}`,
    )
    const result = await measure(options, directory, run)
    if (result === undefined) continue
    results.push(result)
    const ofScenario = results.filter((each) => each.options.scenario === scenario.name)
    await writeFile(join(directory, 'table.txt'), `${formatResults(ofScenario)}\n`)
  }
  const table = formatResults(results)
  for (const directory of directories.values()) {
    if (!existsSync(directory)) continue
    if (directories.size > 1) await writeFile(join(directory, 'all-scenarios.txt'), `${table}\n`)
    log(`written to ${directory}`)
  }
  print(command.isJson ? JSON.stringify(results, undefined, 2) : table)
  return results.length === planned.length && results.every(isPassed) ? exitCodes.yes : exitCodes.no
}

interface PlannedRun {
  readonly scenario: Scenario
  readonly candidate: Candidate
  readonly run: number
  readonly hosts: number | undefined
}

/**
 * For each seed, all scenarios with all trackers one after the other, so that a slow change of the machine affects all
 * that are compared.
 */
function plannedRuns(command: LabCommand, trackers: readonly Candidate[]): PlannedRun[] {
  const runs = Array.from({ length: command.runs }, (_, index) => index + 1)
  return command.hostCounts.flatMap((hosts) =>
    runs.flatMap((run) =>
      command.scenarios.flatMap((scenario) =>
        trackers.map((candidate) => ({ scenario, candidate, run, hosts })),
      ),
    ),
  )
}

/** Missing programs and memory of all runs, so that a comparison does not stop in the middle. */
async function problemsOf(command: LabCommand, trackers: readonly Candidate[]): Promise<string[]> {
  const problems = new Set<string>()
  for (const scenario of command.scenarios)
    for (const { name, checkout } of trackers) {
      const hosts = Math.max(...command.hostCounts.map((each) => each ?? 0)) || undefined
      const options = { ...command.optionsFor(scenario, name, 1, hosts), ...checkout }
      const memory = await memoryProblem(options)
      if (memory !== undefined) problems.add(memory)
      for (const line of await missingPrograms(options)) problems.add(line)
    }
  return [...problems]
}

/** One run, with its files in `directory`; undefined if it ended without a result. */
async function measure(
  options: RunOptions,
  directory: string,
  run: number,
): Promise<ScenarioResult | undefined> {
  const label = trackerLabel(options).replaceAll(/[^\w@.=-]/g, '-')
  const name = `${label}-${options.client}-${options.hosts}-${run}`
  const hooks = { signal: stop.signal, log: (line: string) => log(`  ${line}`) }
  try {
    const result = await runScenario({ ...options, keepLogsIn: join(directory, `${name}-logs`) }, hooks)
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`)
    await writeFile(join(directory, `${name}.svg`), drawChart(result))
    log(formatSites(result))
    return result
  } catch (error) {
    log(`lab: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

interface Candidate {
  readonly name: string
  readonly checkout: Pick<RunOptions, 'checkout'>
}

/** The trackers of a run: those of this checkout, and after each siteswarm the same one of the other checkout. */
async function candidates({ trackers, against }: LabCommand): Promise<Candidate[]> {
  const names = trackers ?? (await availableTrackers())
  return names.flatMap((name) => [
    { name, checkout: {} },
    ...(against !== undefined && trackerNamed(name).isSiteswarm
      ? [{ name, checkout: { checkout: against } }]
      : []),
  ])
}

async function calibrateLinks(command: LabCommand): Promise<number> {
  const flashCrowd = scenarios.find(({ name }) => name === 'flash-crowd')
  if (flashCrowd === undefined) return exitCodes.usage
  const { wanBitsPerSecond, nicBitsPerSecond, congestion } = command.optionsFor(flashCrowd, 'opentracker', 1)
  const unavailable = await namespaceProblem(congestion)
  if (unavailable !== undefined) {
    log(`lab: ${unavailable}`)
    return exitCodes.refused
  }
  const options = { wanBitsPerSecond, nicBitsPerSecond, congestion, seconds: 5 }
  const calibration = await runCalibration(options, { signal: stop.signal, log: (line) => log(`  ${line}`) })
  print(command.isJson ? JSON.stringify(calibration, undefined, 2) : formatCalibration(calibration))
  return exitCodes.yes
}

/** Trackers that can run here; the others are printed, so that a comparison is not silently incomplete. */
async function availableTrackers(): Promise<string[]> {
  const available: string[] = []
  for (const { name, requires } of trackerKinds) {
    const missing = await missingOf(requires(siteswarmProgram(undefined)))
    if (missing.length === 0) available.push(name)
    else log(`lab: without ${name}: ${missing.join('; ')}`)
  }
  return available
}

function catalogue(): string {
  const indented = (rows: readonly (readonly string[])[]) =>
    alignColumns(rows.map(([name = '', summary = '']) => [`  ${name}`, summary]))
  return [
    'scenarios',
    indented(scenarios.map(({ name, summary }) => [name, summary])),
    'clients and their settings',
    indented(
      clientKinds.flatMap(({ name, settings }) =>
        Object.entries(settings).map(([setting, summary]) => [`${name}/${setting}`, summary]),
      ),
    ),
    'trackers',
    indented(trackerKinds.map(({ name, summary }) => [name, summary])),
  ].join('\n')
}

function dateAndTime(): string {
  return new Date().toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '')
}
