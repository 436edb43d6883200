/** The topology file of a command: `--topology`, else SITESWARM_TOPOLOGY, else the sample of the package. */
import { sampleFiles } from '../config/sample-files.ts'
import { type CommandContext, type CommandFlag, type CommandFlags, textFlag } from './command.ts'

export const topologyFlag: CommandFlag = {
  flags: '-t, --topology <file>',
  description: 'topology file (default: SITESWARM_TOPOLOGY, else the sample)',
}

export function topologyPath(flags: CommandFlags, { environment }: CommandContext): string {
  return textFlag(flags, 'topology') ?? environment['SITESWARM_TOPOLOGY'] ?? sampleFiles.topology
}
