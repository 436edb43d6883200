/**
 * A client as it reads a torrent: the names that it gives the files, and why it does not download them. Observed with
 * libtorrent 2.0.8, aria2 1.36, Transmission 3.00 and rtorrent 0.9.8; a test compares the readers with these clients.
 *
 * Names are bytes, one character each.
 */
import type { Metainfo } from '../metainfo.ts'
import type { ContentEntry } from './content-entries.ts'

export type ClientName = 'libtorrent' | 'aria2' | 'Transmission' | 'rtorrent'

export interface ClientFile {
  /** The folder of the torrent; undefined for a torrent of one file without a folder. */
  readonly root: string | undefined
  /** Path below `root` on the disk; undefined for a file that the client does not write. */
  readonly written: string | undefined
  /** Path below `root` in a request to a web seed, empty for `root` itself; undefined for a file that is never requested. */
  readonly requested: string | undefined
}

/** Takes the files of one torrent in order. */
export interface ClientReader {
  /** undefined where the client ignores the entry, or refuses the torrent because of it. */
  add(entry: ContentEntry | undefined): ClientFile | undefined
  /** After the last file: the reason why the client does not download the torrent; undefined where it does. */
  problem(): string | undefined
}

export type OpenReader = (metainfo: Metainfo) => ClientReader

export function fullPath(root: string | undefined, path: string): string {
  if (root === undefined) return path
  return path === '' ? root : `${root}/${path}`
}

/** The longest name that file systems of Linux allow. */
export const FILE_NAME_BYTES_MAX = 255

export const NO_LENGTH = 'a file has no `length`'
export const NO_PATH = 'a file has no `path`'
export const NOT_A_FILE = 'an entry of its files is malformed'
export const NO_BYTES = 'its files have 0 bytes'
export const NO_FILES = 'it has no files'
export const NO_PIECES = 'it has no `pieces`'
export const WRONG_PIECES = '`pieces` does not fit the length of its files'
export const NO_PIECE_LENGTH = '`piece length` is not a positive number'
export const UNKNOWN_VERSION = 'its `meta version` is neither 1 nor 2'
export const NAME_TOO_LONG = `a name has more than ${FILE_NAME_BYTES_MAX} bytes`

/** True for a name that no client changes. Most names are of this form. */
export function isPlainName(name: string): boolean {
  return name.length <= PLAIN_LENGTH_MAX && PLAIN.test(name) && !RESERVED.test(name)
}

/** libtorrent shortens names of 240 bytes and more. */
const PLAIN_LENGTH_MAX = 239
const PLAIN = /^[0-9A-Za-z_+=@~(),!-](?:[0-9A-Za-z_+=@~(),!. -]*[0-9A-Za-z_+=@~(),!-])?$/
/** Devices of Windows, with any extension. */
export const RESERVED = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?=\.|$)/i
