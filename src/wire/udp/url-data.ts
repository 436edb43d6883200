/**
 * BEP 41 options, which may follow a UDP announce. The only one in use contains path and query of the announce URL.
 * libtorrent and anacrolix send it; Transmission, aria2, rtorrent and WebTorrent do not, so it cannot carry data that
 * every client must send.
 *
 * An unreadable option ends the options, as their end marker does: aria2 sends two zero bytes, and a complete
 * announce is not refused for the bytes after it.
 */

/*
  Option => 1 byte and more
     0  uint8    type             0: end of options, 1: no operation; both have no other field
     1  uint8    length           for types from 2 on
     2  byte[]   data             type 2: a part of path and query; other types are skipped
*/
const END = 0
const NO_OPERATION = 1
const URL_DATA = 2
const OPTION_BYTES_MAX = 255

const EMPTY = Buffer.alloc(0)

/** Path and query in one piece, empty where the client sends none. May be a view of the packet. */
export function readUrlData(packet: Buffer, start: number): Buffer {
  let urlData: Buffer = EMPTY
  let at = start
  while (at < packet.length) {
    const type = packet[at] as number
    if (type === END) break
    at++
    if (type === NO_OPERATION) continue
    const length = packet[at]
    if (length === undefined || at + 1 + length > packet.length) break
    const data = packet.subarray(at + 1, at + 1 + length)
    if (type === URL_DATA) urlData = urlData.length === 0 ? data : Buffer.concat([urlData, data])
    at += 1 + length
  }
  return urlData
}

/** Splits it over several options where it is long, as libtorrent does. */
export function writeUrlData(urlData: Buffer): Buffer {
  const options: Buffer[] = []
  for (let at = 0; at < urlData.length; at += OPTION_BYTES_MAX) {
    const part = urlData.subarray(at, at + OPTION_BYTES_MAX)
    options.push(Buffer.from([URL_DATA, part.length]), part)
  }
  return Buffer.concat(options)
}
