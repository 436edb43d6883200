/**
 * The names that each client gives the files of a torrent, as the text of a golden case: from the readers of src/metainfo and
 * from observed clients.
 */
import { clientNames, clients, foldOf, writtenPaths } from '../src/metainfo/clients/client-reports.ts'
import { type ClientName, fullPath } from '../src/metainfo/clients/client.ts'
import { PathNumbers, resolveCollisions } from '../src/metainfo/clients/collisions.ts'
import { contentEntries } from '../src/metainfo/clients/content-entries.ts'
import { libtorrentRename } from '../src/metainfo/clients/libtorrent-rename.ts'
import { type Metainfo, readMetainfo } from '../src/metainfo/metainfo.ts'
import type { Observation } from './clients-on-zeros.ts'

/** A client whose files collide is not compared file by file: what is left on the disk depends on the order of writes. */
export const COLLIDES = ['writes two files to one path']
const DOWNLOADS_NOT = ['does not download it']

export function namesFromReaders(torrent: Buffer): string {
  const metainfo = readMetainfo(torrent, 'case.torrent')
  return clientNames.map((client) => textOf(client, readNames(metainfo, client))).join('')
}

function textOf(client: ClientName, lines: readonly string[]): string {
  return lines.map((line) => `${client.padEnd(12)}  ${line}\n`).join('')
}

/** The lines of one client in a golden case. */
export function linesOf(client: ClientName, text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${client} `))
    .map((line) => line.slice(14))
}

function readNames(metainfo: Metainfo, client: ClientName): readonly string[] {
  const reader = clients[client](metainfo)
  const requested: string[] = []
  for (const entry of contentEntries(metainfo)) {
    const file = reader.add(entry)
    if (file?.requested !== undefined) requested.push(fullPath(file.root, file.requested))
  }
  if (reader.problem() !== undefined) return DOWNLOADS_NOT
  const fold = foldOf(client)
  const numbers = new PathNumbers(fold)
  for (const path of writtenPaths(metainfo, client)) if (path !== undefined) numbers.add(path)
  const rename = client === 'libtorrent' ? libtorrentRename : () => undefined
  const paths = () => writtenPaths(metainfo, client)
  const resolved = [...resolveCollisions(paths, numbers.repeated(), { fold, rename })].filter(
    (path) => path !== undefined,
  )
  if (client !== 'libtorrent' && resolved.some(({ isCollision }) => isCollision)) return COLLIDES
  return linesFor({
    written: resolved.map(({ path }) => path),
    requested: client === 'rtorrent' ? [] : requested,
  })
}

export function namesFromObservation({ state, written, requested }: Observation): readonly string[] {
  return state === 'complete' && written.length > 0 ? linesFor({ written, requested }) : DOWNLOADS_NOT
}

function linesFor({ written, requested }: Pick<Observation, 'written' | 'requested'>): string[] {
  const unique = (paths: readonly string[]) => [...new Set(paths)].toSorted()
  return [
    // The target of a link is not a name.
    ...unique(written.map((path) => path.replace(/ -> .*$/s, ''))).map((path) => `writes    ${shown(path)}`),
    ...unique(requested).map((path) => `requests  ${shown(path)}`),
  ]
}

/** Text where it is printable UTF-8, else escapes of the bytes. */
function shown(path: string): string {
  const text = Buffer.from(path, 'latin1').toString('utf8')
  const isText = Buffer.from(text).toString('latin1') === path && !/[\p{Cc}\p{Cf}\\]/u.test(text)
  const escape = (byte: string) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`
  return (isText ? text : path.replaceAll(/[^\x20-\x7e]|\\/g, escape)).replace(/ $/, escape)
}
