/**
 * Compares the API of the nodes with the interfaces of the clients: progress of each host, differences between sites, time
 * left, stragglers, webhooks. Pure.
 */
import type { LateHost } from './late-hosts.ts'
import type { Reading } from './watcher.ts'

export interface RolloutRun {
  readonly readings: readonly Reading[]
  readonly hosts: readonly RolloutHost[]
  /** Start of the run in seconds since 1970. */
  readonly startAt: number
}

export interface RolloutHost {
  readonly name: string
  readonly address: string
  readonly site: string
  readonly late: LateHost['how'] | undefined
  /** In seconds since 1970; undefined if it did not complete. */
  readonly doneAt: number | undefined
}

/** Shares of the pieces of a client, ascending by time. */
type Trace = readonly { readonly at: number; readonly share: number }[]

const PERCENT_MAX = 5
const SECONDS_MAX = 10
/** Figures of the API are rounded down to a tenth of a percent. */
const ROUNDING = 0.001
/** An estimate of the last seconds cannot be right within a third: figures are a second old. */
const LEFT_SECONDS_MIN = 3
const QUARTER = 0.25
const THIRD = 1 / 3

export function reportRollout(run: RolloutRun): string[] {
  const traces = tracesOf(run)
  return [
    lagLine(run, traces),
    differenceLine(run),
    timeLeftLine(run, traces),
    ...stragglerLines(run),
    ...webhookLines(run),
  ]
}

function tracesOf({ readings, hosts }: RolloutRun): Map<string, Trace> {
  const traces = new Map(hosts.map(({ name }) => [name, [] as { at: number; share: number }[]]))
  for (const { name, at, value } of readings) {
    const { have, of } = value as { have?: number; of?: number }
    if (have !== undefined && of !== undefined && of > 0) traces.get(name)?.push({ at, share: have / of })
  }
  return traces
}

const shareAt = (trace: Trace, at: number) => trace.findLast((reading) => reading.at <= at)?.share ?? 0

/** Seconds since a client had the share that the API shows; 0 if it has no more than that. */
function lagSeconds(trace: Trace, at: number, shown: number): number {
  const passed = trace.find((reading) => reading.share > shown + ROUNDING)
  return passed === undefined || passed.at > at ? 0 : at - passed.at
}

interface PeersAnswer {
  readonly peers: readonly { readonly address: string; readonly percent: number | null }[]
}

function lagLine({ readings, hosts, startAt }: RolloutRun, traces: ReadonlyMap<string, Trace>): string {
  let [count, beyond, percentMax, secondsMax] = [0, 0, 0, 0]
  let worst = ''
  for (const { at, site, answer } of peersAnswers(readings)) {
    for (const host of hosts) {
      const trace = traces.get(host.name) ?? []
      if (host.site !== site && site !== '') continue
      // A stopped client is not in the swarm.
      if (host.late === 'stopped' || host.late === 'absent') continue
      if (trace.length === 0) continue
      const shown = (answer.peers.find(({ address }) => address === host.address)?.percent ?? 0) / 100
      const percent = Math.max(0, shareAt(trace, at) - shown) * 100
      const seconds = lagSeconds(trace, at, shown)
      count++
      if (percent > PERCENT_MAX && seconds > SECONDS_MAX) beyond++
      secondsMax = Math.max(secondsMax, seconds)
      if (percent <= percentMax) continue
      percentMax = percent
      worst = ` (${host.name}, ${(at - startAt).toFixed(0)} s after the start)`
    }
  }
  return (
    `progress of the API behind the clients: at most ${percentMax.toFixed(1)} % of the file${worst}, ` +
    `at most ${secondsMax.toFixed(1)} s; above ${PERCENT_MAX} % and ${SECONDS_MAX} s: ${beyond} of ${count} readings`
  )
}

interface RolloutAnswer {
  readonly state: string
  readonly percent: number
  readonly etaSeconds: number | null
  readonly sites: readonly {
    readonly site: string
    readonly stragglers: readonly { readonly address: string; readonly reason: string }[]
  }[]
}

/** The figures of all nodes in the same second. */
function differenceLine({ readings, startAt }: RolloutRun): string {
  const bySecond = new Map<number, Map<string, number>>()
  for (const { at, site, answer } of rolloutAnswers(readings)) {
    const second = Math.floor(at - startAt)
    const figures = bySecond.get(second) ?? new Map<string, number>()
    bySecond.set(second, figures.set(site, answer.percent))
  }
  const differences = [...bySecond.values()]
    .filter(({ size }) => size > 1)
    .map((figures) => Math.max(...figures.values()) - Math.min(...figures.values()))
  if (differences.length === 0)
    return 'nodes of different sites: not compared, one node answers for all sites'
  const mean = differences.reduce((sum, each) => sum + each, 0) / differences.length
  return (
    `nodes of different sites in the same second: at most ${Math.max(...differences).toFixed(1)} % apart, ` +
    `mean ${mean.toFixed(1)} %, at the end ${differences.at(-1)?.toFixed(1)} %`
  )
}

/** Against the last host that is neither stopped nor absent, from the moment at which such hosts have a quarter. */
function timeLeftLine(run: RolloutRun, traces: ReadonlyMap<string, Trace>): string {
  const active = run.hosts.filter(({ late }) => late !== 'stopped' && late !== 'absent')
  const endAt = Math.max(...active.map(({ doneAt }) => doneAt ?? Infinity))
  const isQuarterDone = (at: number) =>
    active.reduce((sum, { name }) => sum + shareAt(traces.get(name) ?? [], at), 0) >= active.length * QUARTER
  const errors: number[] = []
  let unknown = 0
  for (const { at, answer } of rolloutAnswers(run.readings)) {
    const left = endAt - at
    if (!(left >= LEFT_SECONDS_MIN) || !Number.isFinite(left) || !isQuarterDone(at)) continue
    if (answer.etaSeconds === null) unknown++
    else errors.push(Math.abs(answer.etaSeconds - left) / left)
  }
  if (errors.length === 0) return `time left: no reading between a quarter and the end, ${unknown} unknown`
  const sorted = errors.toSorted((left, right) => left - right)
  const at = (share: number) => percent(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)
  const right = errors.filter((error) => error <= THIRD).length / errors.length
  return (
    `time left from a quarter on: ${errors.length} readings, ${unknown} unknown; ` +
    `error ${at(0.5)} median, ${at(0.9)} in nine of ten, ${at(1)} at most; within a third ${percent(right)}`
  )
}

/** One line for each late host, and for each other host that a node named. */
function stragglerLines({ readings, hosts, startAt }: RolloutRun): string[] {
  const named = new Map<string, { reason: string; from: number; to: number }[]>()
  for (const { at, answer } of rolloutAnswers(readings))
    for (const { stragglers } of answer.sites)
      for (const { address, reason } of stragglers) {
        const periods = named.get(address) ?? []
        named.set(address, periods)
        const period = periods.find((each) => each.reason === reason)
        if (period === undefined) periods.push({ reason, from: at - startAt, to: at - startAt })
        else period.to = at - startAt
      }
  return hosts.flatMap(({ name, address, late, doneAt }) => {
    const periods = named.get(address) ?? []
    if (late === undefined && periods.length === 0) return []
    const listed = periods.map(
      ({ reason, from, to }) => `${reason} from ${from.toFixed(0)} to ${to.toFixed(0)} s`,
    )
    const end =
      doneAt === undefined ? 'did not complete' : `complete after ${(doneAt - startAt).toFixed(1)} s`
    return [`straggler ${name} (${late ?? 'no fault'}, ${end}): ${listed.join(', ') || 'never listed'}`]
  })
}

interface WebhookEvent {
  readonly id: string
  readonly type: string
  readonly site: string | null
  readonly isSigned: boolean
}

function webhookLines({ readings, startAt }: RolloutRun): string[] {
  const events = readings.filter(({ kind }) => kind === 'webhooks')
  if (events.length === 0) return ['webhooks: none received']
  const counts = new Map<string, number>()
  let first = ''
  for (const { at, value } of events) {
    const { type, site } = value as WebhookEvent
    const subject = site === null || site === undefined ? type : `${type} ${site}`
    counts.set(subject, (counts.get(subject) ?? 0) + 1)
    first += `${first === '' ? '' : ', '}${subject} ${(at - startAt).toFixed(0)} s`
  }
  const repeated = [...counts]
    .filter(([, count]) => count > 1)
    .map(([subject, count]) => `${subject} ${count}`)
  const unsigned = events.filter(({ value }) => !(value as WebhookEvent).isSigned).length
  return [
    `webhooks: ${first}; ${repeated.length === 0 ? 'each once' : `repeated: ${repeated.join(', ')}`}, ` +
      (unsigned === 0 ? 'all signed' : `${unsigned} with a wrong signature`),
  ]
}

interface Answer {
  readonly at: number
  /** Of the node; empty for the node of all sites. */
  readonly site: string
  readonly answer: unknown
}

const peersAnswers = (readings: readonly Reading[]) =>
  answersOf(readings, 'peers').map((each) => ({ ...each, answer: each.answer as PeersAnswer }))

const rolloutAnswers = (readings: readonly Reading[]) =>
  answersOf(readings, 'rollout').map((each) => ({ ...each, answer: each.answer as RolloutAnswer }))

/** Answers with status 200; the name of a target is its subject and the site of the node, `peers s2`. */
function answersOf(readings: readonly Reading[], subject: string): Answer[] {
  return readings.flatMap(({ at, name, value }) => {
    const [of, site = ''] = name.split(' ')
    if (of !== subject) return []
    const { status, text } = value as { status: number; text: string }
    return status === 200 ? [{ at, site, answer: JSON.parse(text) as unknown }] : []
  })
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`
