/** Warnings about clients that do not download a torrent, or give its files other names. */
import { isUtf8 } from 'node:buffer'
import { NO_BYTES, UNKNOWN_VERSION, WRONG_PIECES } from './clients/client.ts'
import { type ClientReport, type ContentReport, type Names, readClients } from './clients/client-reports.ts'
import { torrentName } from './clients/torrent-name.ts'
import type { Metainfo } from './metainfo.ts'
import type { Warning } from './warning.ts'

export interface ClientWarnings {
  /** The reason why a torrent is not registered: no client downloads it, or none knows what to call it. */
  readonly refusal: string | undefined
  readonly warnings: readonly Warning[]
}

export function warnOfClients(metainfo: Metainfo): ClientWarnings {
  const report = readClients(metainfo)
  const refusal = refusalOf(metainfo, report)
  if (refusal !== undefined)
    return { refusal, warnings: [{ code: 'info-incomplete', message: `${refusal}; make the torrent again` }] }
  return {
    refusal,
    warnings: [
      ...warnOfProblems(metainfo, report.clients),
      ...warnOfNames(report),
      ...warnOfCollisions(report.clients),
    ],
  }
}

function refusalOf(metainfo: Metainfo, { clients }: ContentReport): string | undefined {
  // Only libtorrent reads a v2 torrent.
  const able = metainfo.infoHashV1 === undefined ? clients.slice(0, 1) : clients
  const reasons = new Set(able.map(({ problem }) => problem))
  if (!reasons.has(undefined)) return `no client downloads this: ${[...reasons].join(', ')}`
  const name = torrentName(metainfo)
  if (name === undefined)
    return (
      '`info` has no `name`: libtorrent and rtorrent refuse it, aria2 and Transmission name the content after the ' +
      '.torrent file'
    )
  if (name === '') return '`info` has an empty `name`: each client gives the content another one'
  // aria2 creates empty files.
  return reasons.has(NO_BYTES) ? `no client downloads this: ${NO_BYTES}` : undefined
}

/** One for each reason, with the clients. Reasons that have a warning of their own are left out. */
function warnOfProblems(metainfo: Metainfo, clients: readonly ClientReport[]): Warning[] {
  const byReason = new Map<string, string[]>()
  for (const { client, problem } of clients) {
    if (problem === undefined || isVersionProblem(metainfo, client)) continue
    byReason.set(problem, [...(byReason.get(problem) ?? []), client])
  }
  return [...byReason].map(([reason, names]) => ({
    code: CODES[reason] ?? 'client-refuses',
    message: `${joined(names)} ${names.length === 1 ? 'does' : 'do'} not download this: ${reason}`,
  }))
}

const CODES: Readonly<Record<string, Warning['code']>> = {
  [WRONG_PIECES]: 'pieces-mismatch',
  [UNKNOWN_VERSION]: 'version-unknown',
}

/** `v2-only` and `hybrid` already name the clients. */
function isVersionProblem({ infoHashV1, infoHashV2 }: Metainfo, client: string): boolean {
  if (infoHashV2 === undefined) return false
  return client === 'Transmission' || (infoHashV1 === undefined && client !== 'libtorrent')
}

function warnOfNames({ clients, notUtf8, empty }: ContentReport): Warning[] {
  const warnings: Warning[] = []
  if (notUtf8 !== undefined)
    warnings.push({
      code: 'names-not-utf8',
      message:
        `${countOf(notUtf8, 'is', 'are')} not UTF-8, such as ${shown(notUtf8.from)}: libtorrent, aria2 and Transmission each write and ` +
        'request another name; make the torrent again with names in UTF-8',
    })
  for (const { client, problem, changed } of clients) {
    if (problem !== undefined || changed === undefined) continue
    warnings.push({
      code: 'names-changed',
      message:
        `${client} changes ${countOf(changed)}: ${becomes(changed)}, so a host that has the content is not a seed with it; ` +
        RENAME,
    })
  }
  const transmission = clients.find(({ client }) => client === 'Transmission')
  if (empty !== undefined && transmission?.problem === undefined)
    warnings.push({
      code: 'empty-files',
      message: `Transmission does not create ${empty.count === 1 ? 'the empty file' : `${empty.count} empty files, such as`} ${shown(empty.from)}`,
    })
  return warnings
}

function warnOfCollisions(clients: readonly ClientReport[]): Warning[] {
  const found = clients.filter(({ problem, colliding }) => problem === undefined && colliding !== undefined)
  const warnings: Warning[] = []
  for (const { client, colliding: names } of found) {
    if (names === undefined || client !== 'libtorrent') continue
    warnings.push({
      code: 'names-collide',
      message:
        `libtorrent renames ${names.count === 1 ? 'a file whose path is' : `${names.count} files whose paths are`} ` +
        `taken, without regard to case: ${becomes(names)}, so a host that has the content is not a seed with it; ${RENAME}`,
    })
  }
  const others = found.filter(({ client }) => client !== 'libtorrent')
  const [first] = others
  if (first?.colliding !== undefined)
    warnings.push({
      code: 'names-collide',
      message:
        `${joined(others.map(({ client }) => client))} cannot write ${countOf(first.colliding)} that another file or a folder ` +
        `has, such as ${shown(first.colliding.from)}; ${RENAME}`,
    })
  return warnings
}

const RENAME = 'rename the file and make the torrent again'

function becomes({ from, to }: Names): string {
  return `${shown(from)} becomes ${shown(to)}`
}

function countOf({ count }: Names, one = '', many = ''): string {
  return count === 1 ? `a name ${one}`.trim() : `${count} names ${many}`.trim()
}

/** Bytes that are not UTF-8 as escapes. */
function shown(name: string): string {
  const bytes = Buffer.from(name, 'latin1')
  const text = isUtf8(bytes)
    ? bytes.toString('utf8')
    : name.replaceAll(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)
  return `"${text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text}"`
}

/** A line of a terminal. */
const SHOWN_LENGTH_MAX = 100

function joined(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
