/**
 * `publish`: makes a torrent, registers it on a node and prints the URLs for each site.
 *
 * The node is contacted before hashing, so that an unreachable node is reported at once and not after an hour; with
 * `-o` the torrent is made anyway. Nothing is written before the last byte is hashed and the source is verified to be
 * unchanged, so an interrupted run can simply be repeated.
 */
import { dirname, resolve, sep } from 'node:path'
import { elapsedMs, systemClock } from '../../core/clock.ts'
import { summarize } from '../../metainfo/summary.ts'
import { openOrigin } from '../../origin/open-origin.ts'
import type { Origin } from '../../origin/origin.ts'
import { OriginError } from '../../origin/origin-error.ts'
import { contentBytesOf, type Published, publishOrigin } from '../../publish/publish-origin.ts'
import type { ExpectedHosts } from '../../rollouts/expected-hosts.ts'
import type { Warning } from '../../server/admin/answers/fields.ts'
import type { TopologyAnswer } from '../../server/admin/answers/topology.ts'
import type { TorrentInFull } from '../../server/admin/answers/torrents.ts'
import {
  adminFlags,
  AdminRefused,
  type AdminRequest,
  AdminUnreachable,
  sendAdminRequest,
} from '../admin-request.ts'
import { type Command, type CommandContext, type CommandFlags, type ExitCode } from '../command.ts'
import { exitCodes } from '../command.ts'
import { type PublishArguments, readPublishArguments } from '../publish-arguments.ts'
import { PublishProgress } from '../publish-progress.ts'
import { describePublished, publishedLines } from '../publish-report.ts'
import { nextSteps, siteLines, warningLine } from '../registered-torrent.ts'
import { assertWritable, writeWholeFile } from '../files.ts'

export const publishCommand: Command = {
  examples: [
    'siteswarm publish debian-13.img',
    'siteswarm publish s3://images/debian-13.img --url http://t1.fra.example:6970',
    'siteswarm publish https://mirror.example.org/debian-13.img -o debian-13.torrent',
    'siteswarm publish models/ --name llama --hybrid --piece-length 4MiB --json',
  ],
  flags: [
    { flags: '--name <name>', description: 'name of the torrent (default: the name of the source)' },
    { flags: '--private', description: 'clients get peers from trackers only; this is the default' },
    {
      flags: '--no-private',
      description: 'clients may also find peers of other sites through PEX, DHT and LSD',
    },
    {
      flags: '--hybrid',
      description: 'v1 and v2 in one torrent; forms two swarms, so use it only if v2 is required',
    },
    {
      flags: '--piece-length <size>',
      description: 'a power of two from 16KiB to 16MiB (default: by size, at most 2,048 pieces)',
    },
    {
      flags: '--web-seed <url>',
      description: 'a URL that clients of every site download from; repeatable',
      repeatable: true,
    },
    {
      flags: '--expect <hosts>',
      description: 'hosts that will download it, by site or site/bubble, such as fra=600,ams=600',
    },
    { flags: '-o, --output <file>', description: 'also write the .torrent, without trackers, to this file' },
    ...adminFlags,
  ],
  async run([source = ''], flags, context) {
    const wanted = readPublishArguments(flags)
    if (typeof wanted === 'string') {
      context.err(`siteswarm publish: ${wanted}`)
      return exitCodes.usage
    }
    if (wanted.output !== undefined) assertWritable(wanted.output)
    const nodeError = await checkNode(wanted.expect, flags, context)
    if (nodeError !== undefined) {
      const continues = wanted.output !== undefined
      context.err(
        continues
          ? `warning: ${nodeError.message} [not-registered]`
          : `siteswarm publish: ${nodeError.message}`,
      )
      if (!continues) return exitCodeOf(nodeError)
    }
    try {
      const origin = await openOrigin(source, { ...context, isReadOnce: true })
      try {
        return await publish({ source, origin, wanted, flags, context })
      } finally {
        await origin.close()
      }
    } catch (error) {
      if (context.signal.aborted) {
        context.err('siteswarm publish: interrupted; nothing was written or registered')
        return exitCodes.no
      }
      if (!(error instanceof OriginError) || error.kind !== 'unreachable') throw error
      context.err(`siteswarm publish: ${error.message}`)
      return exitCodes.unreachable
    }
  },
}

interface Run {
  readonly source: string
  readonly origin: Origin
  readonly wanted: PublishArguments
  readonly flags: CommandFlags
  readonly context: CommandContext
}

async function publish(run: Run): Promise<ExitCode> {
  const { origin, wanted, flags, context } = run
  const isJson = flags['json'] === true
  refuseOutputInside(origin, wanted.output)
  const progress = isJson ? undefined : new PublishProgress(contentBytesOf(origin), context, elapsedMs)
  let published: Published
  try {
    published = await publishOrigin(origin, {
      ...wanted,
      createdBy: `siteswarm/${context.version}`,
      createdAtSeconds: createdAtSeconds(context),
      signal: context.signal,
      onProgress: (doneBytes) => progress?.update(doneBytes),
    })
  } finally {
    progress?.end()
  }
  if (wanted.output !== undefined) writeWholeFile(wanted.output, published.metainfo.bytes)

  const registered = await register(run, published)
  const isRegistered = !(registered instanceof Error)
  const warnings = distinctWarnings(
    origin.warnings ?? [],
    summarize(published.metainfo).warnings,
    isRegistered ? registered.warnings : [],
  )
  if (isJson) {
    const document = {
      ...describePublished(published, wanted),
      registered: isRegistered,
      sites: isRegistered ? registered.sites : [],
      warnings,
    }
    context.out(JSON.stringify(document, null, 2))
  } else {
    for (const warning of warnings) context.err(warningLine(warning))
    for (const line of publishedLines(published, wanted)) context.out(line)
    if (isRegistered)
      for (const line of [...siteLines(registered), ...nextSteps(registered, localFolder(run))])
        context.out(line)
  }
  if (isRegistered) return exitCodes.yes
  context.err(`siteswarm publish: the torrent is not registered: ${registered.message}`)
  return exitCodeOf(registered)
}

/** The node reports what it finds in the torrent, too. */
function distinctWarnings(...lists: readonly (readonly Warning[])[]): Warning[] {
  const byText = new Map(lists.flat().map(({ code, message }) => [`${code} ${message}`, { code, message }]))
  return [...byText.values()]
}

/** The folder on this machine that holds the content under the name of the torrent. */
function localFolder({ origin, wanted }: Run): string | undefined {
  const isNamed = (wanted.name ?? origin.name) === origin.name
  return origin.kind === 'file' && isNamed ? dirname(origin.reference) : undefined
}

type AdminError = AdminRefused | AdminUnreachable

/** Returns undefined if the node responds, accepts the token, and has the places of expected hosts. */
async function checkNode(
  expect: ExpectedHosts | undefined,
  flags: CommandFlags,
  context: CommandContext,
): Promise<AdminError | undefined> {
  const answer = await ask(flags, context, { path: '/api/v1/topology' })
  if (answer instanceof Error) return answer
  if (expect === undefined) return undefined
  const { sites } = answer as TopologyAnswer
  const places = new Set(
    sites.flatMap(({ site, bubbles }) => [site, ...bubbles.map(({ bubble }) => `${site}/${bubble}`)]),
  )
  const unknown = Object.keys(expect).find((place) => !places.has(place))
  if (unknown === undefined) return undefined
  return new AdminRefused(`--expect: the topology has no site or bubble ${JSON.stringify(unknown)}`)
}

async function register(run: Run, { metainfo }: Published): Promise<TorrentInFull | AdminError> {
  const { flags, context } = run
  const query = originQuery(run)
  const path = `/api/v1/torrents${query}`
  const answer = await ask(flags, context, { path, torrent: metainfo.bytes })
  if (answer instanceof Error) return answer
  const torrent = answer as TorrentInFull
  const { expect } = run.wanted
  if (expect !== undefined) {
    const infoHash = torrent.infoHashV1 ?? torrent.infoHashV2 ?? ''
    const set = await ask(flags, context, {
      path: `/api/v1/rollouts/${infoHash}/expect`,
      method: 'PUT',
      json: { hosts: expect },
    })
    if (set instanceof Error)
      context.err(`warning: the expected hosts are not set: ${set.message} [expect-not-set]`)
  }
  return torrent
}

/** An origin URL with a query is withheld: the query may be a signature, and the node stores and lists origins. */
function originQuery({ source, origin, context }: Run): string {
  if (origin.isReadOnce === true) {
    context.err(
      'warning: registered without an origin, because the server does not support byte ranges; ' +
        'the node will not be a web seed [origin-without-ranges]',
    )
    return ''
  }
  const hasQuery = origin.kind === 'http' ? new URL(source).search !== '' : /[?#]/.test(origin.reference)
  if (hasQuery && origin.kind !== 'file') {
    context.err(
      'warning: registered without an origin, because the query of the URL may be a secret; ' +
        'the node will not be a web seed [origin-query]',
    )
    return ''
  }
  return `?${new URLSearchParams({ origin: origin.reference }).toString()}`
}

async function ask(flags: CommandFlags, context: CommandContext, request: AdminRequest): Promise<unknown> {
  try {
    return await sendAdminRequest(request, flags, context)
  } catch (error) {
    if (error instanceof AdminRefused || error instanceof AdminUnreachable) return error
    throw error
  }
}

function exitCodeOf(error: AdminError): ExitCode {
  return error instanceof AdminUnreachable ? exitCodes.unreachable : exitCodes.no
}

/** The output file would become part of the content of the next run. */
function refuseOutputInside(origin: Origin, output: string | undefined): void {
  if (output === undefined || origin.kind !== 'file' || !origin.isFolder) return
  if (!resolve(output).startsWith(origin.reference + sep)) return
  throw new OriginError(
    'unusable',
    `${output} is inside the published folder and would change it; choose another place`,
  )
}

/** Reproducible builds set the time, so that the same content gives an identical file. */
function createdAtSeconds({ environment }: CommandContext): number {
  const given = environment['SOURCE_DATE_EPOCH'] ?? ''
  return /^\d{1,12}$/.test(given) ? Number(given) : Math.floor(systemClock.nowMs() / 1_000)
}
