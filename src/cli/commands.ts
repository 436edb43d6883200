/** Every command, in the order in which `--help` lists them. */
import type { Command } from './command.ts'
import { inspectCommand } from './commands/inspect.ts'
import { rewriteCommand } from './commands/rewrite.ts'

export const commands: readonly Command[] = [inspectCommand, rewriteCommand]
