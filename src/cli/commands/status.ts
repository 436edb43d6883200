/** `status`: the progress of all rollouts, or of one with its sites and stragglers. */
import { setTimeout as delay } from 'node:timers/promises'
import type { RolloutAnswer, RolloutInFull } from '../../rollouts/rollout-answer.ts'
import type { RolloutPage } from '../../server/admin/answers/rollouts.ts'
import { adminFlags, AdminRefused, AdminUnreachable, sendAdminRequest } from '../admin-request.ts'
import { type Command, type CommandContext, type CommandFlags, exitCodes } from '../command.ts'
import { listLines, rolloutLines } from '../rollout-lines.ts'
import { infoHashProblem } from '../info-hash-argument.ts'

const WATCH_INTERVAL_MS = 2_000
/** Erases the terminal and moves to its first line. */
const CLEAR = '\u001B[H\u001B[J'

export const statusCommand: Command = {
  examples: [
    'siteswarm status',
    'siteswarm status 2bcb3dab253c7e8c9355b33f262efadd63005087 --watch',
    'siteswarm status --url http://t1.fra.example:6970 --json',
  ],
  flags: [
    {
      flags: '--watch',
      description: 'repeat every two seconds until interrupted, or until the rollout is complete',
    },
    ...adminFlags,
  ],
  async run([infoHash], flags, context) {
    const problem = infoHash === undefined ? undefined : infoHashProblem(infoHash)
    if (problem !== undefined) {
      context.err(`siteswarm status: ${problem}`)
      return exitCodes.usage
    }
    try {
      do {
        const answer = await sendAdminRequest({ path: pathOf(infoHash) }, flags, context)
        show(answer, infoHash, flags, context)
        const isDone = infoHash !== undefined && (answer as RolloutAnswer).state === 'complete'
        if (flags['watch'] !== true || isDone) break
        await delay(WATCH_INTERVAL_MS, undefined, { signal: context.signal }).catch(() => undefined)
      } while (!context.signal.aborted)
      return exitCodes.yes
    } catch (error) {
      if (context.signal.aborted) return exitCodes.yes
      if (!(error instanceof AdminRefused) && !(error instanceof AdminUnreachable)) throw error
      context.err(`siteswarm status: ${error.message}`)
      return error instanceof AdminUnreachable ? exitCodes.unreachable : exitCodes.no
    }
  },
}

function pathOf(infoHash: string | undefined): string {
  return infoHash === undefined ? '/api/v1/rollouts' : `/api/v1/rollouts/${infoHash}`
}

/** With `--json --watch`, one document a line each time. */
function show(
  answer: unknown,
  infoHash: string | undefined,
  flags: CommandFlags,
  context: CommandContext,
): void {
  if (flags['json'] === true) return context.out(JSON.stringify(answer))
  const lines = infoHash === undefined ? linesOfAll(answer, context) : rolloutLines(answer as RolloutInFull)
  if (flags['watch'] === true && context.isTerminal) context.out(CLEAR + lines.join('\n'))
  else for (const line of lines) context.out(line)
}

function linesOfAll(answer: unknown, context: CommandContext): string[] {
  const { rollouts, total } = answer as RolloutPage
  if (rollouts.length === 0) {
    context.err('No torrents are registered; siteswarm publish registers one.')
    return []
  }
  const further = total - rollouts.length
  return [...listLines(rollouts), ...(further > 0 ? [`and ${further} earlier ones`] : [])]
}
