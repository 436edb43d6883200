/** What went wrong when a command asked a tracker: said on standard error, with the exit code that it means. */
import { TrackerUnreachable } from '../client/http-request.ts'
import { type CommandContext, type ExitCode, exitCodes } from './command.ts'
import { escapeControl } from './escape-control.ts'
import { UsageError } from '../client/usage-error.ts'

/** `command` as typed. Throws again what is neither a wrong argument nor a tracker that cannot be reached. */
export function reportTrackerFailure(
  command: string,
  url: string,
  error: unknown,
  context: CommandContext,
): ExitCode {
  if (error instanceof UsageError) {
    context.err(`siteswarm ${command}: ${escapeControl(error.message)}`)
    return exitCodes.usage
  }
  if (error instanceof TrackerUnreachable) {
    context.err(`siteswarm ${command}: ${url} cannot be asked: ${escapeControl(error.message)}`)
    return exitCodes.unreachable
  }
  throw error
}
