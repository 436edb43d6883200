/**
 * `init`: writes a first configuration and topology into a directory, with tokens in files of their own.
 *
 * Nothing is overwritten, and nothing is written unless all of it can be: a half of a set-up would start with the other
 * half of an old one.
 */
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { checkNode } from '../../config/load-node.ts'
import { parseTopology } from '../../config/load-topology.ts'
import { sampleFiles } from '../../config/sample-files.ts'
import { ConfigError, InputError } from '../../core/errors.ts'
import { systemSecret } from '../../core/random.ts'
import { type Command, type CommandContext, type CommandFlags, exitCodes, textFlag } from '../command.ts'
import { makeFolder } from '../files.ts'
import {
  configurationText,
  type FirstSite,
  networksOf,
  readSite,
  TOKEN_FILES,
  topologyText,
} from '../first-files.ts'

/** 128 bits, as `openssl rand -hex 16`. */
const TOKEN_DIGITS = 32
/** Only the user of the node reads a token. */
const SECRET_MODE = 0o600

export const initCommand: Command = {
  examples: [
    'siteswarm init',
    'siteswarm init /etc/siteswarm --site fra=10.1.0.0/16 --site ams=10.2.0.0/16 --host t1.fra.example',
  ],
  flags: [
    {
      flags: '--site <name=cidrs>',
      description:
        'a site with its prefixes, separated by commas; the first is that of this node (default: the networks of this machine)',
      repeatable: true,
    },
    { flags: '--host <name>', description: 'name or address at which clients reach this node' },
  ],
  async run([directory = '.'], flags, context) {
    const sites = sitesOf(flags)
    const host = textFlag(flags, 'host') ?? hostname()
    const files = filesOf(directory, sites, host)
    const existing = files.filter(({ path }) => existsSync(path))
    if (existing.length > 0)
      throw new InputError(
        `${existing.map(({ path }) => path).join(', ')}: exists already; choose another directory, or remove it`,
      )
    await makeFolder(directory)
    for (const { path, text, mode } of files) writeFileSync(path, text, { flag: 'wx', mode })
    for (const schema of ['siteswarm.schema.json', 'topology.schema.json'])
      copyFileSync(join(dirname(sampleFiles.config), schema), join(directory, schema))
    return report(directory, files, flags, context)
  },
}

interface FirstFile {
  readonly path: string
  readonly text: string
  readonly mode: number
}

function sitesOf(flags: CommandFlags): readonly FirstSite[] {
  const given = flags['site'] as readonly string[]
  if (given.length > 0) return given.map(readSite)
  const networks = networksOf(networkInterfaces())
  if (networks.length === 0)
    throw new InputError('this machine has no network; name the first site with --site NAME=PREFIX')
  return [{ name: 'site-1', cidrs: networks }]
}

function filesOf(directory: string, sites: readonly FirstSite[], host: string): FirstFile[] {
  const topology = topologyText(sites, host)
  try {
    parseTopology(topology, 'the topology of these sites')
  } catch (error) {
    if (error instanceof ConfigError) throw new InputError(error.message)
    throw error
  }
  const secret = () => `${systemSecret().toString('hex').slice(0, TOKEN_DIGITS)}\n`
  const tokens = [
    TOKEN_FILES.operate,
    TOKEN_FILES.read,
    ...(sites.length > 1 ? [TOKEN_FILES.federation] : []),
  ]
  return [
    { path: join(directory, 'siteswarm.yaml'), text: configurationText(sites), mode: 0o644 },
    { path: join(directory, 'topology.yaml'), text: topology, mode: 0o644 },
    ...tokens.map((name) => ({ path: join(directory, name), text: secret(), mode: SECRET_MODE })),
  ]
}

/** The files are checked as `check` does; a warning belongs to the set-up, such as a site without a tracker. */
function report(
  directory: string,
  files: readonly FirstFile[],
  flags: CommandFlags,
  context: CommandContext,
) {
  const config = join(directory, 'siteswarm.yaml')
  const { problems, warnings } = checkNode({ path: config, environment: {} })
  if (flags['json'] === true)
    context.out(JSON.stringify({ files: files.map(({ path }) => path), problems, warnings }))
  else {
    for (const { path } of files) context.out(`wrote ${path}`)
    for (const { message, hint } of [...problems, ...warnings])
      context.err(`${message}${hint === undefined ? '' : `: ${hint}`}`)
    context.err(`next: siteswarm check --config ${config}, then siteswarm serve --config ${config}`)
  }
  return problems.length === 0 ? exitCodes.yes : exitCodes.configuration
}
