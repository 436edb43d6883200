/** Reports a failed request to a tracker on standard error, and returns the exit code. */
import { TrackerUnreachable } from '../client/http-request.ts'
import { type CommandContext, type ExitCode, exitCodes } from './command.ts'
import { escapeControl } from './escape-control.ts'
import { UsageError } from '../client/usage-error.ts'

/** `command`: its name. Rethrows errors other than wrong arguments and unreachable trackers. */
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
    context.err(`siteswarm ${command}: ${url} does not respond: ${escapeControl(error.message)}`)
    return exitCodes.unreachable
  }
  throw error
}
