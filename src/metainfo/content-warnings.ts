/** Warnings about the size and version of a torrent, and about clients that find each other without a tracker. */
import type { Metainfo } from './metainfo.ts'
import type { Warning } from './warning.ts'

export function warnOfSize(metainfo: Metainfo): Warning[] {
  if (metainfo.bytes.length <= LIBTORRENT_FILE_BYTES_MAX) return []
  return [
    {
      code: 'file-large',
      message:
        'libtorrent 2.0 does not load a .torrent above 10,000,000 bytes by default; ' +
        'make the torrent again with larger pieces',
    },
  ]
}

export function warnOfVersion({ infoHashV1, infoHashV2 }: Metainfo): Warning[] {
  if (infoHashV2 === undefined) return []
  if (infoHashV1 === undefined) {
    return [
      {
        code: 'v2-only',
        message:
          'a v2 torrent: only libtorrent 2 and clients built on it download it; ' +
          'make a hybrid or a v1 torrent for the others',
      },
    ]
  }
  return [
    {
      code: 'hybrid',
      message:
        'a hybrid torrent has two swarms: libtorrent 2 announces both infohashes, other clients only the v1 infohash. ' +
        'Transmission 3.00 refuses hybrid torrents',
    },
  ]
}

export function warnOfPrivacy(isPrivate: boolean): Warning[] {
  if (isPrivate) return []
  return [
    {
      code: 'not-private',
      message:
        'not private: clients find peers of other sites through PEX, DHT and LSD, without a tracker; ' +
        'make the torrent again with private=1 (it is part of the infohash and cannot be added)',
    },
  ]
}

/** Observed with 2.0.8: one byte more is "metadata too large". */
const LIBTORRENT_FILE_BYTES_MAX = 10_000_000
