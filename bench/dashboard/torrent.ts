/** Torrents with names and infohashes of their own. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PIECE_BYTES = 16 * 1024 * 1024

/** Writes `image-00042.img.torrent` into the directory, and returns its infohash. */
export function writeTorrent(directory: string, number: number, sizeBytes: number): Buffer {
  const name = `image-${String(number).padStart(5, '0')}.img`
  const pieces = Buffer.alloc(Math.ceil(sizeBytes / PIECE_BYTES) * 20, 7)
  const info = Buffer.concat([
    Buffer.from(
      `d6:lengthi${sizeBytes}e4:name${name.length}:${name}12:piece lengthi${PIECE_BYTES}e6:pieces${pieces.length}:`,
    ),
    pieces,
    Buffer.from('7:privatei1ee'),
  ])
  writeFileSync(
    join(directory, `${name}.torrent`),
    Buffer.concat([Buffer.from('d4:info'), info, Buffer.from('e')]),
  )
  return createHash('sha1').update(info).digest()
}
