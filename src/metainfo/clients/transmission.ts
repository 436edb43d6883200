/**
 * Transmission 3.00. It replaces characters that Windows does not allow, requests the names that it writes, and refuses
 * every torrent with a `file tree`, because it cannot parse an empty key.
 */
import { isUtf8 } from 'node:buffer'
import { integerOf } from '../../bencode/value.ts'
import {
  FILE_NAME_BYTES_MAX,
  isPlainName,
  NAME_TOO_LONG,
  NO_BYTES,
  NO_FILES,
  NO_LENGTH,
  NO_PATH,
  NO_PIECE_LENGTH,
  NO_PIECES,
  type OpenReader,
  RESERVED,
  WRONG_PIECES,
} from './client.ts'
import { contentLayout } from './content-entries.ts'
import { nameUtf8, plainName } from './torrent-name.ts'

const BLOCK_BYTES_MAX = 16_384
/** Observed: it ends with pieces of 1 GiB. */
const PIECE_BYTES_END = 2 ** 30

export const openTransmission: OpenReader = (metainfo) => {
  const { bytes, infoEntries } = metainfo
  const pieceBytes = integerOf(bytes, infoEntries.get('piece length')) ?? 0
  const pieces = infoEntries.get('pieces')
  const layout = contentLayout(metainfo)
  const name = nameUtf8(metainfo) ?? plainName(metainfo) ?? ''
  // Without a name it takes that of the .torrent file, which the torrent does not contain.
  const isNamed = name !== '' || nameUtf8(metainfo) !== undefined
  const root = transmissionName(toUtf8(name))
  let problem: string | undefined
  if (infoEntries.get('file tree')?.kind === 'dictionary') problem = 'it has a `file tree`'
  else if (pieces?.kind !== 'string') problem = NO_PIECES
  else if (pieceBytes <= 0) problem = NO_PIECE_LENGTH
  else if (blockBytes(pieceBytes) === 0 || pieceBytes >= PIECE_BYTES_END)
    problem = '`piece length` does not divide into blocks of equal length, at most 16 KiB each'
  else if (isNamed && root === undefined) problem = 'it has no usable `name`'
  let totalBytes = 0
  let count = 0

  return {
    add(entry) {
      count++
      const { lengthBytes } = entry ?? {}
      if (lengthBytes === undefined || lengthBytes < 0) problem ??= NO_LENGTH
      totalBytes += lengthBytes ?? 0
      const hasContent = lengthBytes !== undefined && lengthBytes > 0
      if (layout === 'single') {
        const path = root ?? ''
        if (path.length > FILE_NAME_BYTES_MAX) problem ??= NAME_TOO_LONG
        return { root: undefined, written: path, requested: path }
      }
      const elements = entry?.pathUtf8 ?? entry?.path
      const names =
        elements?.includes(undefined) === true ? undefined : (elements as readonly string[] | undefined)
      const below = (names ?? []).map(transmissionName).filter((element) => element !== undefined)
      if (below.length === 0) {
        problem ??= NO_PATH
        return undefined
      }
      // The conversion is of the whole path, so one name that is not UTF-8 also changes the folder.
      const path = toUtf8(`${root ?? ''}/${below.join('/')}`)
      const slash = path.indexOf('/')
      const converted = path.slice(slash + 1)
      if (converted.split('/').some(({ length }) => length > FILE_NAME_BYTES_MAX)) problem ??= NAME_TOO_LONG
      return {
        root: path.slice(0, slash),
        written: hasContent ? converted : undefined,
        requested: hasContent ? converted : undefined,
      }
    },
    problem() {
      if (problem !== undefined || pieces === undefined) return problem
      if (count === 0) return NO_FILES
      if (totalBytes === 0) return NO_BYTES
      const hashBytes = pieces.end - pieces.contentStart
      return hashBytes === Math.ceil(totalBytes / pieceBytes) * 20 ? undefined : WRONG_PIECES
    },
  }
}

/** undefined for a name that vanishes: a dot, or only spaces and dots. */
function transmissionName(name: string): string | undefined {
  if (isPlainName(name)) return name
  if (name === '.') return undefined
  const changed = name
    .replaceAll(/[<>:"/\\|?*]/g, '_')
    .replaceAll(/\p{Cc}/gu, (control) => (control < ' ' ? '_' : control))
    .replace(RESERVED, (device) => `${device}_`)
    .replace(/^ +/, '')
    .replace(/[ .]+$/, '')
  return changed === '' ? undefined : changed
}

/** A path that is not UTF-8 is read as ISO 8859-15. */
function toUtf8(name: string): string {
  const bytes = Buffer.from(name, 'latin1')
  return isUtf8(bytes) ? name : Buffer.from(LATIN9.decode(bytes)).toString('latin1')
}

const LATIN9 = new TextDecoder('iso-8859-15')

function blockBytes(pieceBytes: number): number {
  let bytes = pieceBytes
  while (bytes > BLOCK_BYTES_MAX) bytes = Math.floor(bytes / 2)
  return pieceBytes % bytes === 0 ? bytes : 0
}
