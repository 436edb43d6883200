/**
 * The content that hosts download: pseudo-random bytes from a seed, which cannot be compressed on the way and make a run
 * repeatable, and the torrent file for them (BEP 3), written here so that the laboratory needs no external tool.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'

export interface Content {
  /** File name in the torrent and on the hosts' disks. */
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly infoHash: Buffer
  /** The bencoded `info` dictionary. */
  readonly info: Buffer
  /** Number of pieces. */
  readonly pieces: number
}

const PIECE_BYTES = 256 * 1024

export async function makeContent(
  path: string,
  wanted: {
    readonly name: string
    readonly sizeBytes: number
    readonly seed: number
    readonly isPrivate: boolean
  },
): Promise<Content> {
  // A block cipher in counter mode is the fastest generator in the standard library; the seed gives the key.
  const key = createHash('sha256').update(`${wanted.seed} ${wanted.name}`).digest()
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(PIECE_BYTES)
  const pieces: Buffer[] = []
  const file = await open(path, 'w')
  try {
    for (let leftBytes = wanted.sizeBytes; leftBytes > 0; leftBytes -= PIECE_BYTES) {
      const piece = stream.update(zeros.subarray(0, Math.min(leftBytes, PIECE_BYTES)))
      pieces.push(createHash('sha1').update(piece).digest())
      await file.write(piece)
    }
  } finally {
    await file.close()
  }
  const info = dictionary([
    ['length', integer(wanted.sizeBytes)],
    ['name', text(wanted.name)],
    ['piece length', integer(PIECE_BYTES)],
    ['pieces', text(Buffer.concat(pieces))],
    ...(wanted.isPrivate ? [['private', integer(1)] as const] : []),
  ])
  return {
    name: wanted.name,
    path,
    sizeBytes: wanted.sizeBytes,
    infoHash: createHash('sha1').update(info).digest(),
    info,
    pieces: pieces.length,
  }
}

/** Writes a torrent file with one tracker in each tier. */
export async function writeTorrent(path: string, content: Content, tiers: readonly string[]): Promise<void> {
  const list = Buffer.concat([
    bytes('l'),
    ...tiers.map((url) => Buffer.concat([bytes('l'), text(url), bytes('e')])),
    bytes('e'),
  ])
  await writeFile(
    path,
    dictionary([
      ['announce', text(tiers[0] ?? '')],
      ['announce-list', list],
      ['info', content.info],
    ]),
  )
}

/** Compares every byte of a file with the content. */
export async function isIntact(path: string, content: Content): Promise<boolean> {
  const stepBytes = 4 * 1024 * 1024
  const [expected, found] = [await open(content.path), await open(path).catch(() => undefined)]
  if (found === undefined) {
    await expected.close()
    return false
  }
  try {
    if ((await found.stat()).size !== content.sizeBytes) return false
    const [left, right] = [Buffer.alloc(stepBytes), Buffer.alloc(stepBytes)]
    for (let offset = 0; offset < content.sizeBytes; offset += stepBytes) {
      const [{ bytesRead }] = await Promise.all([
        expected.read(left, 0, stepBytes, offset),
        found.read(right, 0, stepBytes, offset),
      ])
      if (left.compare(right, 0, bytesRead, 0, bytesRead) !== 0) return false
    }
    return true
  } finally {
    await Promise.all([expected.close(), found.close()])
  }
}

const bytes = (value: string) => Buffer.from(value, 'latin1')
const integer = (value: number) => bytes(`i${value}e`)

function text(value: string | Buffer): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([bytes(`${content.length}:`), content])
}

/** Bencoding requires sorted keys; the caller passes them in order. */
function dictionary(entries: readonly (readonly [string, Buffer])[]): Buffer {
  return Buffer.concat([bytes('d'), ...entries.flatMap(([key, value]) => [text(key), value]), bytes('e')])
}
