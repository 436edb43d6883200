/**
 * `npm run lab`: runs scenarios one after the other, prints a table, and writes the JSON and the chart of each run
 * to `lab/results/<date>-<scenario>/`.
 *
 * Exit codes: 0 every host of every run has the correct file · 1 at least one has not · 64 command line · 69 a program is
 * missing · 77 this machine does not allow network namespaces; no run was started.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../src/core/errors.ts'
import { drawChart } from './chart.ts'
import { clientKinds } from './clients/kinds.ts'
import { type LabCommand, readCommand, usage } from './options.ts'
import { repositoryPath } from './repository.ts'
import { memoryProblem, missingPrograms, namespaceProblem } from './requirements.ts'
import { type ScenarioResult, isPassed } from './result.ts'
import { runCalibration, runScenario } from './run-scenario.ts'
import { scenarios } from './scenarios.ts'
import { alignColumns, formatCalibration, formatResults, formatSites } from './table.ts'
import { trackerKinds } from './trackers/kinds.ts'

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
  const results: ScenarioResult[] = []
  let failures = 0
  for (const scenario of command.scenarios) {
    const directory = repositoryPath(`lab/results/${dateAndTime()}-${scenario.name}`)
    const ofScenario: ScenarioResult[] = []
    const trackers =
      command.trackers ?? (await availableTrackers(command.optionsFor(scenario, 'opentracker', 1).client))
    for (const tracker of trackers) {
      for (let run = 1; run <= command.runs && !stop.signal.aborted; run++) {
        const options = command.optionsFor(scenario, tracker, run)
        const problems = [...(await missingPrograms(options)), await memoryProblem(options)].filter(
          (each) => each !== undefined,
        )
        if (problems.length > 0) {
          for (const each of problems) log(`lab: ${each}`)
          return exitCodes.missing
        }
        const name = `${tracker}-${options.client}-${run}`
        log(`${scenario.name} with ${tracker}, run ${run} of ${command.runs}`)
        const keepLogsIn = join(directory, `${name}-logs`)
        const hooks = { signal: stop.signal, log: (line: string) => log(`  ${line}`) }
        const result = await runScenario({ ...options, keepLogsIn }, hooks).catch((error: unknown) => {
          log(`lab: ${error instanceof Error ? error.message : String(error)}`)
        })
        if (result === undefined) {
          failures++
          continue
        }
        ofScenario.push(result)
        await mkdir(directory, { recursive: true })
        await writeFile(join(directory, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`)
        await writeFile(join(directory, `${name}.svg`), drawChart(result))
        log(formatSites(result))
      }
    }
    if (ofScenario.length > 0) {
      await writeFile(join(directory, 'table.txt'), `${formatResults(ofScenario)}\n`)
      log(`written to ${directory}`)
    }
    results.push(...ofScenario)
  }
  print(command.isJson ? JSON.stringify(results, undefined, 2) : formatResults(results))
  return failures === 0 && results.every(isPassed) && !stop.signal.aborted ? exitCodes.yes : exitCodes.no
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
async function availableTrackers(client: string): Promise<string[]> {
  const available: string[] = []
  for (const { name, requires } of trackerKinds) {
    const missing = (await missingPrograms({ client, tracker: name })).filter((line) =>
      requires.some(({ program }) => line.startsWith(`${program}:`)),
    )
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
