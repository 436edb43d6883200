/** aria2 1.36. It reads no v2 metadata, downloads padding like any other file, and refuses paths that leave their folder. */
import { isUtf8 as isUtf8Bytes } from 'node:buffer'
import { integerOf } from '../../bencode/value.ts'
import {
  FILE_NAME_BYTES_MAX,
  NAME_TOO_LONG,
  NO_FILES,
  NO_LENGTH,
  NO_PATH,
  NO_PIECE_LENGTH,
  NO_PIECES,
  type OpenReader,
  WRONG_PIECES,
} from './client.ts'
import { contentLayout } from './content-entries.ts'
import { nameUtf8, plainName } from './torrent-name.ts'

const TRAVERSAL = 'a path has a control character, or an element that is `.`, `..` or an empty name'

export const openAria2: OpenReader = (metainfo) => {
  const { bytes, infoEntries } = metainfo
  const pieceBytes = integerOf(bytes, infoEntries.get('piece length')) ?? 0
  const pieces = infoEntries.get('pieces')
  const layout = contentLayout(metainfo)
  const ownName = infoEntries.has('name.utf-8') ? nameUtf8(metainfo) : plainName(metainfo)
  // Without a name it takes that of the .torrent file, which the torrent does not contain.
  const root = aria2Name(ownName ?? '')
  let problem: string | undefined
  if (pieces?.kind !== 'string') problem = NO_PIECES
  else if (pieceBytes <= 0) problem = NO_PIECE_LENGTH
  else if (ownName !== undefined && leavesFolder(root)) problem = TRAVERSAL
  let totalBytes = 0
  let count = 0

  return {
    add(entry) {
      // An item of `files` that is not a dictionary is skipped.
      if (problem !== undefined || entry === undefined) return undefined
      const { lengthBytes } = entry
      if (lengthBytes === undefined || lengthBytes < 0) problem = NO_LENGTH
      count++
      totalBytes += lengthBytes ?? 0
      const requested = (path: string) => (lengthBytes === 0 ? undefined : path)
      if (layout === 'single') {
        if (ownName === '') problem ??= 'it has no usable `name`'
        if (root.length > FILE_NAME_BYTES_MAX) problem ??= NAME_TOO_LONG
        return { root: undefined, written: root, requested: requested(root) }
      }
      const elements = entry.hasPathUtf8 ? entry.pathUtf8 : entry.path
      if (elements === undefined || elements.length === 0 || elements.includes(undefined)) {
        problem ??= NO_PATH
        return undefined
      }
      const names = elements as readonly string[]
      const written = names.map(aria2Name)
      if (leavesFolder(`${root}/${written.join('/')}`)) problem ??= TRAVERSAL
      if (written.some(({ length }) => length > FILE_NAME_BYTES_MAX)) problem ??= NAME_TOO_LONG
      return {
        root,
        written: written
          .join('/')
          .split('/')
          .filter((name) => name !== '')
          .join('/'),
        // The bytes of the torrent, except for `root`.
        requested: requested(names.join('/')),
      }
    },
    problem() {
      if (problem !== undefined || pieces === undefined) return problem
      if (count === 0) return NO_FILES
      const hashes = Math.floor((pieces.end - pieces.contentStart) / 20)
      return Math.ceil(totalBytes / pieceBytes) === hashes ? undefined : WRONG_PIECES
    },
  }
}

/** A name that is not UTF-8, or has another control character than these five, is percent-encoded as a whole. */
function aria2Name(name: string): string {
  if (!hasControl(name, TEXT_CONTROLS) && isUtf8(name)) return name
  return name.replaceAll(/[^0-9A-Za-z._~-]/g, escapeByte)
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function leavesFolder(path: string): boolean {
  if (hasControl(path)) return true
  return (
    path.startsWith('/') ||
    path.endsWith('/') ||
    path.split('/').some((part) => part === '.' || part === '..')
  )
}

/** Backspace, tab, line feed, form feed, carriage return. */
const TEXT_CONTROLS: readonly number[] = [0x08, 0x09, 0x0a, 0x0c, 0x0d]

function hasControl(text: string, except: readonly number[] = []): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if ((code < 0x20 || code === 0x7f) && !except.includes(code)) return true
  }
  return false
}

function isUtf8(name: string): boolean {
  return isUtf8Bytes(Buffer.from(name, 'latin1'))
}
