/**
 * Torrents with known hashes: the content of both is public, and other programs computed the hashes.
 */

/** One file of 32,768 bytes in two pieces; its infohash has every byte that needs care in a URL. 111 bytes. */
export const AWKWARD_INFO = Buffer.concat([
  Buffer.from('d6:lengthi32768e4:name12:t0126238.bin12:piece lengthi16384e6:pieces40:'),
  Buffer.from('0fbcfe4d92353fe8842382d02622561372ce2c178e14457857d288eb5d4b026296a9c38a51f02c66', 'hex'),
  Buffer.from('e'),
])

export const AWKWARD_INFO_HASH = '2bcb3dab253c7e8c9355b33f262efadd63005087'

/** With tracker, comment, date and web seed; 219 bytes. */
export const PLAIN_TORRENT = Buffer.from(
  'd8:announce35:http://tracker.example.org/announce7:comment5:hello13:creation datei1700000000e' +
    '4:infod6:lengthi5e4:name5:a.txt12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae' +
    '8:url-list27:http://mirror.example.org/fe',
)

export const PLAIN_INFO_HASH = '7faf75b2447f88700c68f1eceda713cd90a0127a'

/** A torrent with these bytes of `info`, and these entries before and after it. */
export function aTorrent(
  parts: { readonly info?: Buffer | string; readonly before?: string; readonly behind?: string } = {},
): Buffer {
  const { info = AWKWARD_INFO, before = '', behind = '' } = parts
  return Buffer.concat([Buffer.from(`d${before}4:info`), Buffer.from(info), Buffer.from(`${behind}e`)])
}
