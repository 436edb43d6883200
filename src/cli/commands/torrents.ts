/** `torrents`: lists the registered torrents of a site, shows or removes one, through any node of the site. */
import type { Torrent, TorrentInFull, TorrentPage } from '../../server/admin/answers/torrents.ts'
import { adminFlags, AdminRefused, AdminUnreachable, sendAdminRequest } from '../admin-request.ts'
import { type Command, type CommandContext, type CommandFlags, exitCodes } from '../command.ts'
import { formatByteSize } from '../byte-size.ts'
import { escapeControl } from '../escape-control.ts'
import { infoHashProblem } from '../info-hash-argument.ts'
import { nextSteps, siteLines, warningLine } from '../registered-torrent.ts'

/** The largest page of the API. */
const PAGE_TORRENTS = 1_000

export const torrentsCommand: Command = {
  examples: [
    'siteswarm torrents',
    'siteswarm torrents --url http://t1.fra.example:6970 --json',
    'siteswarm torrents show 2bcb3dab253c7e8c9355b33f262efadd63005087',
    'siteswarm torrents remove 2bcb3dab253c7e8c9355b33f262efadd63005087',
  ],
  flags: adminFlags,
  async run(args, flags, context) {
    const problem = argumentsProblem(args)
    if (problem !== undefined) {
      context.err(`siteswarm torrents: ${problem}`)
      return exitCodes.usage
    }
    try {
      const [action, infoHash = ''] = args
      if (action === 'remove') await remove(infoHash, flags, context)
      else if (action === 'show') await show(infoHash, flags, context)
      else await list(flags, context)
      return exitCodes.yes
    } catch (error) {
      if (!(error instanceof AdminRefused) && !(error instanceof AdminUnreachable)) throw error
      context.err(`siteswarm torrents: ${error.message}`)
      return error instanceof AdminUnreachable ? exitCodes.unreachable : exitCodes.no
    }
  },
}

function argumentsProblem([action, infoHash]: readonly string[]): string | undefined {
  if (action === undefined) return undefined
  if (action !== 'remove' && action !== 'show')
    return `${JSON.stringify(action)} is not an action; use show or remove, or no argument to list`
  if (infoHash === undefined) return `${action} requires the infohash of a torrent`
  return infoHashProblem(infoHash)
}

async function list(flags: CommandFlags, context: CommandContext): Promise<void> {
  const torrents: Torrent[] = []
  for (let after = ''; ;) {
    const path = `/api/v1/torrents?limit=${PAGE_TORRENTS}${after === '' ? '' : `&after=${after}`}`
    const page = (await sendAdminRequest({ path }, flags, context)) as TorrentPage
    torrents.push(...page.torrents)
    if (page.next === null) break
    after = page.next
  }
  if (flags['json'] === true) return context.out(JSON.stringify({ total: torrents.length, torrents }))
  if (torrents.length === 0) context.err('No torrents are registered.')
  for (const torrent of torrents) for (const line of describe(torrent)) context.out(line)
}

/** The URLs and commands that `publish` printed. */
async function show(infoHash: string, flags: CommandFlags, context: CommandContext): Promise<void> {
  const answer = await sendAdminRequest({ path: `/api/v1/torrents/${infoHash}` }, flags, context)
  if (flags['json'] === true) return context.out(JSON.stringify(answer))
  const torrent = answer as TorrentInFull
  for (const warning of torrent.warnings) context.err(warningLine(warning))
  const lines = [...describe(torrent), ...siteLines(torrent), ...nextSteps(torrent, undefined)]
  for (const line of lines) context.out(line)
}

async function remove(infoHash: string, flags: CommandFlags, context: CommandContext): Promise<void> {
  const answer = await sendAdminRequest(
    { path: `/api/v1/torrents/${infoHash}`, method: 'DELETE' },
    flags,
    context,
  )
  if (flags['json'] === true) return context.out(JSON.stringify(answer))
  const { name } = answer as Pick<Torrent, 'name'>
  context.out(`removed ${escapeControl(name)}`)
}

/** Names and origins are untrusted input: control characters in them are escaped. */
function describe({ infoHashV1, infoHashV2, name, sizeBytes, isPrivate, origin, registeredAt }: Torrent) {
  const kind = infoHashV1 === null ? 'v2' : infoHashV2 === null ? 'v1' : 'hybrid'
  const facts = [
    formatByteSize(sizeBytes),
    kind,
    isPrivate ? 'private' : 'not private',
    registeredAt.slice(0, 16).replace('T', ' '),
  ]
  const lines = [`${infoHashV1 ?? infoHashV2 ?? ''}  ${escapeControl(name)}`, `  ${facts.join(', ')}`]
  if (origin !== null) lines.push(`  from ${escapeControl(origin)}`)
  return lines
}
