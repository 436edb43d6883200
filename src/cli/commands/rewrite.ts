/**
 * `rewrite`: the same torrent or magnet with the trackers of one place of the topology, or one file for every place.
 *
 * The infohash does not change. The bytes go to a file, or to standard output where that is not a terminal. A file is
 * written atomically, and the input file is overwritten only where `-o` names it.
 */
import { fileURLToPath } from 'node:url'
import { basename, join } from 'node:path'
import { loadTopologyFile } from '../../config/load-topology.ts'
import { formatInfoHash } from '../../core/info-hash.ts'
import type { Magnet } from '../../metainfo/magnet.ts'
import type { RewriteChanges, Tiers } from '../../metainfo/rewrite.ts'
import type { Warning } from '../../metainfo/warning.ts'
import { announceTiers } from '../../topology/announce-tiers.ts'
import { NO_BUBBLE, type Place, type Topology, UNMAPPED_SITE } from '../../topology/topology.ts'
import {
  type Command,
  type CommandContext,
  type CommandFlags,
  type ExitCode,
  exitCodes,
  textFlag,
} from '../command.ts'
import { escapeControl } from '../escape-control.ts'
import {
  fileContent,
  readChanges,
  refuseUnusable,
  rewrite,
  type Rewritten,
  warningsAfter,
} from '../rewritten.ts'
import { openTorrent, type TorrentArgument } from '../torrent-argument.ts'
import { isSameFile, makeFolder, writeWholeFile } from '../files.ts'

export const rewriteCommand: Command = {
  examples: [
    'siteswarm rewrite debian.torrent --site fra -o debian.fra.torrent',
    'siteswarm rewrite debian.torrent --site fra --bubble row-b > debian.row-b.torrent',
    'siteswarm rewrite debian.torrent --all -d torrents/ --topology topology.yaml',
    'siteswarm rewrite debian.torrent --site ams --web-seed http://origin.example/debian.iso -o debian.ams.torrent',
    "siteswarm rewrite 'magnet:?xt=urn:btih:2bcb3dab253c7e8c9355b33f262efadd63005087' --site ams",
  ],
  flags: [
    { flags: '--site <name>', description: 'the site whose trackers come first' },
    {
      flags: '--bubble <name>',
      description: 'a bubble of that site; its own trackers come before the site’s',
    },
    { flags: '-o, --output <file>', description: 'where to write; - for standard output, even a terminal' },
    { flags: '--all', description: 'one file for each site and bubble of the topology' },
    { flags: '-d, --directory <dir>', description: 'with --all: the folder to write them to' },
    {
      flags: '--web-seed <url>',
      description: 'a web seed instead of those that it has; may be repeated',
      repeatable: true,
    },
    { flags: '--no-web-seeds', description: 'remove its web seeds (url-list, httpseeds; ws in a magnet)' },
    { flags: '--no-nodes', description: 'remove its DHT nodes' },
    {
      flags: '--topology <file>',
      description: 'the topology file (else SITESWARM_TOPOLOGY, else the sample topology)',
    },
  ],
  async run([argument = ''], flags, context) {
    const problem = findUsageProblem(flags)
    if (problem !== undefined) return refuseUsage(context, problem)
    const changes = readChanges(flags)
    if (typeof changes === 'string') return refuseUsage(context, changes)
    const topology = openTopology(flags, context)
    const job = { opened: openTorrent(argument), topology, changes, flags, context }
    return flags['all'] === true ? rewriteForAll(job) : rewriteForOne(job)
  },
}

interface Job {
  readonly opened: TorrentArgument
  readonly topology: Topology
  readonly changes: RewriteChanges
  readonly flags: CommandFlags
  readonly context: CommandContext
}

function findUsageProblem(flags: CommandFlags): string | undefined {
  const has = (name: string) => flags[name] !== undefined
  if (!has('all')) {
    if (has('directory')) return '-d goes with --all; write one file with -o'
    return has('site') ? undefined : 'name the site: --site NAME, or --all -d DIR for every site'
  }
  if (!has('directory')) return '--all writes many files: name a folder with -d DIR'
  if (has('site') || has('bubble') || has('output'))
    return '--all goes with -d only, not with --site, --bubble or -o'
  return undefined
}

function refuseUsage(context: CommandContext, problem: string): ExitCode {
  context.err(`siteswarm rewrite: ${problem}`)
  return exitCodes.usage
}

function openTopology(flags: CommandFlags, context: CommandContext): Topology {
  const named = textFlag(flags, 'topology') ?? context.environment['SITESWARM_TOPOLOGY']
  if (named !== undefined) return loadTopologyFile(named)
  context.err('using the sample topology; name yours with --topology FILE')
  return loadTopologyFile(fileURLToPath(new URL('../../../config/topology.yaml', import.meta.url)))
}

function rewriteForOne({ opened, topology, changes, flags, context }: Job): ExitCode {
  const place = findPlace(topology, textFlag(flags, 'site') ?? '', textFlag(flags, 'bubble') ?? NO_BUBBLE)
  if (typeof place === 'string') return refuseUsage(context, place)
  const tiers = announceTiers(topology, place)
  if (tiers.length === 0) {
    context.err(noTrackers(place))
    return exitCodes.configuration
  }
  const output = textFlag(flags, 'output')
  const toStandardOutput = output === undefined || output === '-'
  const isJson = flags['json'] === true
  if (opened.kind === 'torrent' && output === undefined && context.isTerminal) {
    return refuseUsage(
      context,
      'a torrent is binary and the output is a terminal: write it with -o FILE, or pipe it',
    )
  }
  if (opened.kind === 'torrent' && toStandardOutput && isJson) {
    return refuseUsage(context, 'with --json the torrent needs a file of its own: -o FILE')
  }

  const found = warningsAfter(opened, tiers, changes)
  refuseUnusable(opened, found)
  const warnings = warn(found, context, isJson)
  const rewritten = rewrite(opened, tiers, changes)
  if (!toStandardOutput) writeWholeFile(output, fileContent(rewritten))
  if (isJson) {
    const file = toStandardOutput ? null : output
    context.out(
      JSON.stringify({ ...describe(opened), ...written(place, tiers, file, rewritten), warnings }, null, 2),
    )
  } else if (!toStandardOutput)
    context.out(`${output}  ${escapeControl(hashText(opened))}  ${summarizeTiers(tiers)}`)
  else if (rewritten.kind === 'magnet') context.out(rewritten.text)
  else for (const part of rewritten.parts) context.outBytes(part)
  return exitCodes.yes
}

async function rewriteForAll({ opened, topology, changes, flags, context }: Job): Promise<ExitCode> {
  const folder = textFlag(flags, 'directory') ?? ''
  const planned: { place: Place; tiers: Tiers; file: string }[] = []
  const fileNames = new Set<string>()
  for (const place of topology.places) {
    const tiers = announceTiers(topology, place)
    // Unmapped clients are not a place of the operator's: without a fallback tier there is nothing to write for them.
    if (tiers.length === 0 && place.site.name === UNMAPPED_SITE) continue
    if (tiers.length === 0) {
      context.err(noTrackers(place))
      return exitCodes.configuration
    }
    const name = fileNameFor(opened, place)
    if (fileNames.has(name)) {
      context.err(`siteswarm: two places would both be written to ${name}; rename one in the topology file`)
      return exitCodes.configuration
    }
    fileNames.add(name)
    planned.push({ place, tiers, file: join(folder, name) })
  }
  const overwritten = planned.find(
    ({ file }) => opened.kind === 'torrent' && isSameFile(file, opened.metainfo.source),
  )
  if (overwritten !== undefined) {
    context.err(
      `siteswarm: ${overwritten.file} is the input torrent under another name; ` +
        'choose another folder, or remove the link',
    )
    return exitCodes.no
  }

  const isJson = flags['json'] === true
  const found = warningsAfter(opened, planned[0]?.tiers ?? [], changes)
  refuseUnusable(opened, found)
  const warnings = warn(found, context, isJson)
  await makeFolder(folder)
  const files = planned.map(({ place, tiers, file }) => {
    const rewritten = rewrite(opened, tiers, changes)
    writeWholeFile(file, fileContent(rewritten))
    if (!isJson) context.out(`${file}  ${summarizeTiers(tiers)}`)
    return written(place, tiers, file, rewritten)
  })
  if (isJson) context.out(JSON.stringify({ ...describe(opened), files, warnings }, null, 2))
  return exitCodes.yes
}

/** The place, or the problem with its name. */
function findPlace(topology: Topology, siteName: string, bubble: string): Place | string {
  const site = topology.siteNamed(siteName)
  if (site === undefined) {
    return `the topology has no site "${siteName}"; it has ${topology.sites.map(({ name }) => name).join(', ')}`
  }
  const place = site.places.find((candidate) => candidate.bubble === bubble)
  if (place !== undefined) return place
  const bubbles = site.places.map((candidate) => candidate.bubble).filter((name) => name !== NO_BUBBLE)
  return `site ${siteName} has no bubble "${bubble}"; it has ${bubbles.length === 0 ? 'none' : bubbles.join(', ')}`
}

function noTrackers({ site }: Place): string {
  return (
    `siteswarm: the topology names no tracker for site ${site.name}, neither its own nor a fallback; ` +
    'add `trackers` to the site or to `fallback`'
  )
}

/** Prints one line each on standard error; with `--json` they are in the document. */
function warn(warnings: readonly Warning[], context: CommandContext, isJson: boolean): readonly Warning[] {
  if (!isJson)
    for (const { code, message } of warnings) context.err(`warning: ${escapeControl(message)} [${code}]`)
  return warnings
}

function hashesOf(opened: TorrentArgument): Pick<Magnet, 'infoHashV1' | 'infoHashV2'> {
  return opened.kind === 'torrent' ? opened.metainfo : opened.magnet
}

function hashText(opened: TorrentArgument): string {
  const { infoHashV1, infoHashV2 } = hashesOf(opened)
  return formatInfoHash((infoHashV1 ?? infoHashV2) as Buffer)
}

function describe(opened: TorrentArgument) {
  const { infoHashV1, infoHashV2 } = hashesOf(opened)
  return {
    kind: opened.kind,
    infoHashV1: infoHashV1 === undefined ? null : formatInfoHash(infoHashV1),
    infoHashV2: infoHashV2 === undefined ? null : formatInfoHash(infoHashV2),
  }
}

function written(place: Place, tiers: Tiers, file: string | null, rewritten: Rewritten) {
  const magnet = rewritten.kind === 'magnet' ? { magnet: rewritten.text } : {}
  return { site: place.site.name, bubble: place.bubble, tiers, file, ...magnet }
}

function summarizeTiers(tiers: Tiers): string {
  return tiers.map((tier) => tier.join(' ')).join(' | ')
}

/** `debian.fra.torrent` for the site, `debian.fra.row-b.torrent` for a bubble of it. */
function fileNameFor(opened: TorrentArgument, { site, bubble }: Place): string {
  const place = bubble === NO_BUBBLE ? site.name : `${site.name}.${bubble}`
  if (opened.kind === 'torrent') {
    return `${basename(opened.metainfo.source).replace(/\.torrent$/i, '')}.${place}.torrent`
  }
  return `${hashText(opened)}.${place}.magnet`
}
