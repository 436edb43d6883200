/** The name of a torrent, for clients that prefer `name.utf-8`. */
import { latin1Of } from '../../bencode/value.ts'
import type { Metainfo } from '../metainfo.ts'
import { NAME_BYTES_MAX } from './content-entries.ts'

/** undefined where neither is a string. */
export function torrentName(metainfo: Metainfo): string | undefined {
  return nameUtf8(metainfo) ?? plainName(metainfo)
}

export function nameUtf8({ bytes, infoEntries }: Metainfo): string | undefined {
  return latin1Of(bytes, infoEntries.get('name.utf-8'), NAME_BYTES_MAX)
}

export function plainName({ bytes, infoEntries }: Metainfo): string | undefined {
  return latin1Of(bytes, infoEntries.get('name'), NAME_BYTES_MAX)
}
