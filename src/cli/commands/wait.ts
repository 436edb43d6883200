/** `wait`: returns when a rollout is complete, for pipelines. Exit code 0 when it is, 1 at the timeout. */
import { setTimeout as delay } from 'node:timers/promises'
import { elapsedMs } from '../../core/clock.ts'
import type { RolloutInFull } from '../../rollouts/rollout-answer.ts'
import { adminFlags, AdminRefused, AdminUnreachable, sendAdminRequest } from '../admin-request.ts'
import {
  type Command,
  type CommandContext,
  type CommandFlags,
  type ExitCode,
  exitCodes,
  textFlag,
} from '../command.ts'
import { progressLine } from '../rollout-lines.ts'
import { infoHashProblem } from '../info-hash-argument.ts'

const POLL_INTERVAL_MS = 1_000
/** A node that restarts is back by then; a longer outage is an error. */
const UNREACHABLE_MS_MAX = 60_000
/** In a log, where lines stay. */
const LINE_EVERY_MS = 30_000

export const waitCommand: Command = {
  examples: [
    'siteswarm wait 2bcb3dab253c7e8c9355b33f262efadd63005087 --timeout 2h',
    'siteswarm wait 2bcb3dab253c7e8c9355b33f262efadd63005087 --site ams --percent 95',
  ],
  flags: [
    { flags: '--percent <percent>', description: 'return at this percentage already (default: 100)' },
    { flags: '--site <site>', description: 'wait for one site (default: for all)' },
    { flags: '--timeout <duration>', description: 'such as 90s, 30m or 2h (default: none)' },
    ...adminFlags,
  ],
  async run([infoHash = ''], flags, context) {
    const wanted = readArguments(infoHash, flags)
    if (typeof wanted === 'string') {
      context.err(`siteswarm wait: ${wanted}`)
      return exitCodes.usage
    }
    try {
      return await wait(wanted, flags, context)
    } catch (error) {
      if (context.signal.aborted) {
        context.err('siteswarm wait: interrupted')
        return exitCodes.no
      }
      if (!(error instanceof AdminRefused) && !(error instanceof AdminUnreachable)) throw error
      context.err(`siteswarm wait: ${error.message}`)
      return error instanceof AdminUnreachable ? exitCodes.unreachable : exitCodes.no
    } finally {
      context.showStatus?.('')
    }
  },
}

interface Wanted {
  readonly infoHash: string
  readonly percent: number
  readonly site: string | undefined
  readonly timeoutMs: number
}

async function wait(wanted: Wanted, flags: CommandFlags, context: CommandContext): Promise<ExitCode> {
  const startedMs = elapsedMs()
  let [answeredMs, shownMs] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (;;) {
    const answer = await poll(wanted, flags, context, elapsedMs() - answeredMs <= UNREACHABLE_MS_MAX)
    const nowMs = elapsedMs()
    if (answer !== undefined) {
      answeredMs = nowMs
      const isDone = isReached(answer, wanted)
      const isLate = nowMs - startedMs >= wanted.timeoutMs
      if (isDone || isLate) return finish(answer, wanted, isDone, flags, context)
      const line = progressLine(answer, wanted.site)
      if (context.showStatus !== undefined) context.showStatus(line)
      else if (nowMs - shownMs >= LINE_EVERY_MS) {
        context.err(line)
        shownMs = nowMs
      }
    } else if (nowMs - startedMs >= wanted.timeoutMs) {
      context.err('siteswarm wait: the node did not answer before the timeout')
      return exitCodes.no
    }
    const leftMs = wanted.timeoutMs - (nowMs - startedMs)
    await delay(Math.max(0, Math.min(POLL_INTERVAL_MS, leftMs)), undefined, { signal: context.signal })
  }
}

/** undefined while the node is unreachable for a moment. */
async function poll(
  { infoHash, site }: Wanted,
  flags: CommandFlags,
  context: CommandContext,
  mayRetry: boolean,
): Promise<RolloutInFull | undefined> {
  try {
    const answer = (await sendAdminRequest(
      { path: `/api/v1/rollouts/${infoHash}` },
      flags,
      context,
    )) as RolloutInFull
    if (site !== undefined && !answer.sites.some((each) => each.site === site))
      await checkSite(site, flags, context)
    return answer
  } catch (error) {
    if (error instanceof AdminUnreachable && mayRetry && !context.signal.aborted) return undefined
    throw error
  }
}

/** A site that has not begun is awaited; one that does not exist is a mistake. */
async function checkSite(site: string, flags: CommandFlags, context: CommandContext): Promise<void> {
  const { sites } = (await sendAdminRequest({ path: '/api/v1/topology' }, flags, context)) as {
    readonly sites: readonly { readonly site: string }[]
  }
  if (!sites.some((each) => each.site === site))
    throw new AdminRefused(
      `there is no site ${JSON.stringify(site)}; the sites are ${sites.map((each) => each.site).join(', ')}`,
    )
}

function isReached(answer: RolloutInFull, { percent, site }: Wanted): boolean {
  const of = site === undefined ? answer : answer.sites.find((each) => each.site === site)
  return of !== undefined && of.percent >= percent
}

function finish(
  answer: RolloutInFull,
  { site, percent }: Wanted,
  isDone: boolean,
  flags: CommandFlags,
  context: CommandContext,
): ExitCode {
  context.showStatus?.('')
  const line = progressLine(answer, site)
  if (flags['json'] === true) context.out(JSON.stringify(answer))
  else if (isDone) context.out(line)
  else context.err(`siteswarm wait: not at ${percent} % before the timeout: ${line}`)
  return isDone ? exitCodes.yes : exitCodes.no
}

function readArguments(infoHash: string, flags: CommandFlags): Wanted | string {
  const problem = infoHashProblem(infoHash)
  if (problem !== undefined) return problem
  const percentText = textFlag(flags, 'percent') ?? '100'
  const percent = /^\d{1,3}(\.\d{1,2})?$/.test(percentText) ? Number(percentText) : 0
  if (percent <= 0 || percent > 100) return `--percent ${percentText}: write a number above 0 and up to 100`
  const timeoutText = textFlag(flags, 'timeout')
  const timeoutMs = timeoutText === undefined ? Infinity : readDuration(timeoutText)
  if (timeoutMs === undefined)
    return `--timeout ${timeoutText ?? ''}: write a duration such as 90s, 30m or 2h`
  return { infoHash, percent, site: textFlag(flags, 'site'), timeoutMs }
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function readDuration(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0)
}
