/**
 * rtorrent 0.9.8. It reads `name` and `path` and not their UTF-8 forms, does not change names, and has no web seeds. A
 * torrent whose paths collide ends the program or is not opened.
 */
import { integerOf } from '../../bencode/value.ts'
import {
  FILE_NAME_BYTES_MAX,
  NAME_TOO_LONG,
  NO_BYTES,
  NO_FILES,
  NO_LENGTH,
  NO_PATH,
  NO_PIECE_LENGTH,
  NO_PIECES,
  type OpenReader,
  WRONG_PIECES,
} from './client.ts'
import type { PathElements } from './content-entries.ts'
import { plainName } from './torrent-name.ts'

const PIECE_BYTES_ABOVE = 1024
const PIECE_BYTES_MAX = 512 * 2 ** 20

const INVALID_NAME = 'a name is `.` or `..`, or contains a slash or a zero byte'

export const openRtorrent: OpenReader = (metainfo) => {
  const { bytes, infoEntries } = metainfo
  const pieceBytes = integerOf(bytes, infoEntries.get('piece length')) ?? 0
  const pieces = infoEntries.get('pieces')
  const name = plainName(metainfo)
  const isSingle = infoEntries.has('length')
  let problem: string | undefined
  if (name === undefined) problem = 'it has no `name`'
  else if (!isValid(name)) problem = INVALID_NAME
  else if (pieces?.kind !== 'string') problem = NO_PIECES
  else if (pieceBytes <= 0) problem = NO_PIECE_LENGTH
  else if (pieceBytes <= PIECE_BYTES_ABOVE || pieceBytes > PIECE_BYTES_MAX)
    problem = 'its pieces have 1 KiB or less, or more than 512 MiB'
  else if (isSingle && name === '') problem = 'it has no usable `name`'
  let totalBytes = isSingle ? (integerOf(bytes, infoEntries.get('length')) ?? -1) : 0
  if (totalBytes < 0) problem ??= NO_LENGTH
  let count = isSingle ? 1 : 0

  return {
    add(entry) {
      // With a `length`, `files` is ignored.
      if (isSingle) return { root: undefined, written: name ?? '', requested: undefined }
      count++
      const { lengthBytes } = entry ?? {}
      if (lengthBytes === undefined || lengthBytes < 0) problem ??= NO_LENGTH
      totalBytes += lengthBytes ?? 0
      const elements = entry?.path ?? entry?.pathUtf8
      if (elements === undefined || !isValidPath(entry?.path) || !isValidPath(entry?.pathUtf8)) {
        problem ??= elements === undefined || elements.length === 0 ? NO_PATH : INVALID_NAME
        return undefined
      }
      const names = elements as readonly string[]
      if (names.at(-1) === '') problem ??= NO_PATH
      if (names.some(({ length }) => length > FILE_NAME_BYTES_MAX)) problem ??= NAME_TOO_LONG
      const written = names.filter((element) => element !== '').join('/')
      return { root: name === '' ? undefined : name, written, requested: undefined }
    },
    problem() {
      if (problem !== undefined || pieces === undefined) return problem
      if (count === 0) return NO_FILES
      if (totalBytes === 0) return NO_BYTES
      // More hashes than pieces are accepted.
      const hashes = Math.floor((pieces.end - pieces.contentStart) / 20)
      return hashes < Math.ceil(totalBytes / pieceBytes) ? WRONG_PIECES : undefined
    },
  }
}

function isValid(name: string | undefined): boolean {
  return name !== undefined && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}

function isValidPath(path: PathElements | undefined): boolean {
  return path === undefined || (path.length > 0 && path.every(isValid))
}
