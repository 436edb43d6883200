/**
 * Torrents whose files contain only zeros. A web seed can then serve a file under any name, so that the names a client
 * requests can be observed without knowing them beforehand.
 */
import { createHash } from 'node:crypto'
import { type Bencodable, writeBencode } from '../src/bencode/writer.ts'

/** Bytes in hexadecimal stand for text that is not UTF-8. */
export type CaseValue =
  | string
  | number
  | null
  | { readonly hex: string }
  | readonly CaseValue[]
  | { readonly [key: string]: CaseValue }

/** The length of a file where the case does not give one. */
export const ZERO_FILE_BYTES = 20_000
const PIECE_BYTES = 16_384

export interface ZeroTorrentCase {
  readonly info: Readonly<Record<string, CaseValue>>
  readonly [key: string]: CaseValue
}

interface CaseFile {
  readonly length?: CaseValue
}

/**
 * A private torrent of this `info`, where `piece length`, `pieces`, `private` and the length of each file are filled in
 * unless they are given. null leaves a key out.
 */
export function aZeroTorrent({ info, ...others }: ZeroTorrentCase, webSeed?: string): Buffer {
  const files = info['files'] as readonly CaseFile[] | undefined
  const complete: Record<string, CaseValue> = {
    'piece length': PIECE_BYTES,
    private: 1,
    ...(files === undefined ? { length: ZERO_FILE_BYTES } : {}),
    ...info,
  }
  if (Array.isArray(files))
    complete['files'] = files.map((file: CaseFile) => ({ length: ZERO_FILE_BYTES, ...file }))
  const pieceBytes = Number(complete['piece length'])
  if (info['pieces'] === undefined && pieceBytes > 0)
    complete['pieces'] = { hex: zeroPieces(contentBytes(complete), pieceBytes).toString('hex') }
  return writeBencode(
    toBencodable({
      announce: 'http://127.0.0.1:1/announce',
      ...others,
      info: complete,
      'url-list': webSeed ?? null,
    }) as Bencodable,
  )
}

function contentBytes({ files, length }: Readonly<Record<string, CaseValue>>): number {
  if (!Array.isArray(files)) return Math.max(Number(length ?? 0), 0)
  return (files as readonly CaseFile[]).reduce(
    (sum, file) => sum + Math.max(typeof file.length === 'number' ? file.length : 0, 0),
    0,
  )
}

function zeroPieces(bytes: number, pieceBytes: number): Buffer {
  const hashes: Buffer[] = []
  for (let at = 0; at < bytes; at += pieceBytes)
    hashes.push(
      createHash('sha1')
        .update(Buffer.alloc(Math.min(pieceBytes, bytes - at)))
        .digest(),
    )
  return Buffer.concat(hashes)
}

function toBencodable(value: CaseValue): Bencodable | undefined {
  if (value === null) return undefined
  if (typeof value === 'string' || typeof value === 'number') return value
  if (Array.isArray(value)) return value.map((item: CaseValue) => toBencodable(item) as Bencodable)
  const record = value as { readonly [key: string]: CaseValue }
  if (typeof record['hex'] === 'string') return Buffer.from(record['hex'], 'hex')
  const entries = new Map<string | Buffer, Bencodable>()
  for (const [key, item] of Object.entries(record)) {
    const encoded = toBencodable(item)
    const isHex = /^hex:[0-9a-f]*$/.test(key)
    if (encoded !== undefined) entries.set(isHex ? Buffer.from(key.slice(4), 'hex') : key, encoded)
  }
  return entries
}
