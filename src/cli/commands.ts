/** Every command, in the order in which `--help` lists them. */
import type { Command } from './command.ts'
import { announceCommand } from './commands/announce.ts'
import { checkCommand } from './commands/check.ts'
import { explainCommand } from './commands/explain.ts'
import { inspectCommand } from './commands/inspect.ts'
import { locateCommand } from './commands/locate.ts'
import { publishCommand } from './commands/publish.ts'
import { rewriteCommand } from './commands/rewrite.ts'
import { scrapeCommand } from './commands/scrape.ts'
import { serveCommand } from './commands/serve.ts'
import { simulateCommand } from './commands/simulate.ts'
import { torrentsCommand } from './commands/torrents.ts'

export const commands: readonly Command[] = [
  serveCommand,
  checkCommand,
  locateCommand,
  explainCommand,
  inspectCommand,
  rewriteCommand,
  publishCommand,
  torrentsCommand,
  announceCommand,
  scrapeCommand,
  simulateCommand,
]
