/** The argument `TORRENT|MAGNET` of `inspect` and `rewrite`: a file, or the link itself. */
import { InputError } from '../core/errors.ts'
import { isMagnet, type Magnet, readMagnet } from '../metainfo/magnet.ts'
import { type Metainfo, readMetainfo } from '../metainfo/metainfo.ts'
import { readWholeFile } from './files.ts'

export type TorrentArgument =
  | { readonly kind: 'torrent'; readonly metainfo: Metainfo }
  | { readonly kind: 'magnet'; readonly magnet: Magnet }

export function openTorrent(argument: string): TorrentArgument {
  if (isMagnet(argument)) return { kind: 'magnet', magnet: readMagnet(argument) }
  if (/^https?:\/\//i.test(argument)) {
    throw new InputError(`${argument} is a URL; download the file first, for example with curl -O`)
  }
  const bytes = readWholeFile(argument, { bytesMax: TORRENT_FILE_BYTES_MAX })
  return { kind: 'torrent', metainfo: readMetainfo(bytes, argument) }
}

/** Twenty-five times the limit of libtorrent. An image named in place of its torrent is not read into memory. */
const TORRENT_FILE_BYTES_MAX = 250_000_000
