/**
 * A .torrent as positions: its top-level entries, `info`, and the hashes of exactly those bytes.
 *
 * The infohash covers the bytes from the `d` of `info` to its `e` (BEP 3, 52). A client that decodes and re-encodes
 * a file that is not canonical gets another infohash. `info` is therefore never re-encoded here, and such a file
 * gets a warning.
 */
import { INFO_HASH_BYTES } from '../core/info-hash.ts'
import { createHash } from 'node:crypto'
import { type EncodingProblemKind, encodingProblemTexts } from '../bencode/encoding-problem.ts'
import { BencodeScanner } from '../bencode/scanner.ts'
import {
  type BencodeEntry,
  type BencodeValue,
  currentValue,
  dictionaryEntries,
  integerOf,
} from '../bencode/value.ts'
import { InputError } from '../core/errors.ts'
import type { Warning } from './warning.ts'

export interface Metainfo {
  /** Name of the file, for messages. */
  readonly source: string
  readonly bytes: Buffer
  /** The entries of the top level in file order, `info` included. */
  readonly entries: readonly BencodeEntry[]
  readonly info: BencodeValue
  /** The entries of `info`; the first of a repeated key, as in libtorrent. */
  readonly infoEntries: ReadonlyMap<string, BencodeValue>
  /** 20 bytes. undefined for a pure v2 torrent. */
  readonly infoHashV1: Buffer | undefined
  /** 32 bytes; on the wire the first 20 of them. undefined for a pure v1 torrent. */
  readonly infoHashV2: Buffer | undefined
  /** About the encoding; warnings about the content are in the summary. */
  readonly warnings: readonly Warning[]
}

/** Reads a whole .torrent. Throws an `InputError` that names `source`, the byte and the remedy. */
export function readMetainfo(bytes: Buffer, source: string): Metainfo {
  if (bytes.length === 0) throw new InputError(`${source}, byte 0: the file is empty; fetch it again`)
  if (bytes[0] !== LETTER_D) {
    throw new InputError(
      `${source}, byte 0: a torrent is a bencoded dictionary and begins with "d"; this is another kind of file`,
    )
  }
  const { entries, end, inInfo, outside } = readTopLevel(bytes, source)
  refuseTrailingBytes(bytes, end, source)

  const info = findInfo(entries, end, source)
  const infoEntries = new Map<string, BencodeValue>()
  let keyCount = 0
  for (const { start, key, value } of dictionaryEntries(bytes, info.start)) {
    if (++keyCount > ENTRIES_MAX) refuseEntries(source, start, '`info`')
    const name = key.toString('latin1')
    if (!infoEntries.has(name)) infoEntries.set(name, value)
  }

  const hashes = hashInfo(bytes, info, infoEntries)
  const warnings = [...warnOfEncoding(inInfo, warnOfInfo(hashes)), ...warnOfEncoding(outside, warnOfOutside)]
  if (end < bytes.length) {
    warnings.push({
      code: 'trailing-whitespace',
      offset: end,
      message: `white space follows the torrent at byte ${end}; rewriting removes it`,
    })
  }
  return { source, bytes, entries, info, infoEntries, ...hashes, warnings }
}

/** For each kind the first offset and the count. */
type EncodingProblems = Map<EncodingProblemKind, { offset: number; count: number }>

/** One pass over the whole file. An encoding problem is attributed to the top-level entry that contains it. */
function readTopLevel(bytes: Buffer, source: string) {
  const entries: BencodeEntry[] = []
  const inInfo: EncodingProblems = new Map()
  const outside: EncodingProblems = new Map()
  let problems = outside
  const scanner = new BencodeScanner(bytes, source, 0, (kind, offset) => {
    const known = problems.get(kind)
    if (known === undefined) problems.set(kind, { offset, count: 1 })
    else {
      known.count++
      // A repeated key is reported at the end of its dictionary, after those of inner dictionaries.
      known.offset = Math.min(known.offset, offset)
    }
  })
  scanner.next()
  while (scanner.next() === 'key') {
    const { start } = scanner
    if (entries.length === ENTRIES_MAX) refuseEntries(source, start, 'the top level')
    const key = bytes.subarray(scanner.contentStart, scanner.end)
    scanner.next()
    problems = key.equals(INFO) ? inInfo : outside
    entries.push({ start, key, value: currentValue(scanner) })
    problems = outside
  }
  return { entries, end: scanner.end, inInfo, outside }
}

/** Entries are objects: a file of nothing but entries would take thirty times its size in memory. */
function refuseEntries(source: string, offset: number, where: string): never {
  throw new InputError(
    `${source}, byte ${offset}: ${where} has more than ${ENTRIES_MAX} keys; ` +
      'no program makes such a torrent, fetch it again',
  )
}

/** A hundred times the number of keys that the BEPs and all clients define. */
const ENTRIES_MAX = 10_000

function refuseTrailingBytes(bytes: Buffer, end: number, source: string): void {
  for (let at = end; at < bytes.length; at++) {
    if (WHITE_SPACE.includes(bytes[at] as number)) continue
    throw new InputError(
      `${source}, byte ${at}: the torrent ends at byte ${end} and more bytes follow; ` +
        'the file is damaged, or two files were joined: fetch it again',
    )
  }
}

/** `end` is the byte after the top level. */
function findInfo(entries: readonly BencodeEntry[], end: number, source: string): BencodeValue {
  const found = entries.filter(({ key }) => key.equals(INFO))
  const [first, second] = found
  if (first === undefined) {
    throw new InputError(
      `${source}, byte ${end - 1}: the dictionary has no \`info\`, so there is nothing to download; ` +
        'is it a torrent? Resume data and DHT state are bencoded dictionaries too',
    )
  }
  if (second !== undefined) {
    throw new InputError(
      `${source}, byte ${second.start}: a second \`info\` (the first is at byte ${first.start}); ` +
        'clients disagree about which one they read, make the torrent again',
    )
  }
  if (first.value.kind !== 'dictionary') {
    throw new InputError(
      `${source}, byte ${first.value.start}: \`info\` must be a dictionary and is a${
        first.value.kind === 'integer' ? 'n' : ''
      } ${first.value.kind}; make the torrent again`,
    )
  }
  return first.value
}

function hashInfo(
  bytes: Buffer,
  info: BencodeValue,
  infoEntries: ReadonlyMap<string, BencodeValue>,
): Pick<Metainfo, 'infoHashV1' | 'infoHashV2'> {
  const content = bytes.subarray(info.start, info.end)
  const hasV2 = integerOf(bytes, infoEntries.get('meta version')) === 2
  // A hybrid describes its content twice (BEP 52); without `pieces` a v1 client cannot check any data.
  const hasV1 = !hasV2 || infoEntries.has('pieces')
  return {
    infoHashV1: hasV1 ? createHash('sha1').update(content).digest() : undefined,
    infoHashV2: hasV2 ? createHash('sha256').update(content).digest() : undefined,
  }
}

type Warn = (
  kind: Exclude<EncodingProblemKind, 'integer-too-large'>,
  offset: number,
  andMore: string,
) => Pick<Warning, 'code' | 'message'>

/** One warning for each kind, in file order. */
function warnOfEncoding(problems: EncodingProblems, warn: Warn): Warning[] {
  return [...problems]
    .map(([kind, { offset, count }]) => {
      const andMore = count > 1 ? ` and ${count - 1} more` : ''
      const said =
        kind === 'integer-too-large' ? warnOfTooLarge(offset, andMore) : warn(kind, offset, andMore)
      return { ...said, problem: kind, offset, count }
    })
    .toSorted((left, right) => left.offset - right.offset)
}

/** Anywhere in the file: libtorrent 2.0.8, aria2 1.36 and Transmission 3.00 parse all of it, with integers of 64 bits. */
function warnOfTooLarge(offset: number, andMore: string): Pick<Warning, 'code' | 'message'> {
  return {
    code: 'integer-too-large',
    message:
      `${encodingProblemTexts['integer-too-large']} at byte ${offset}${andMore}. ` +
      'libtorrent, aria2 and Transmission refuse the file; make the torrent again',
  }
}

const warnOfInfo =
  ({ infoHashV2 }: Pick<Metainfo, 'infoHashV2'>): Warn =>
  (kind, offset, andMore) => {
    const isRefused = infoHashV2 !== undefined && kind !== 'integer-minus-zero'
    return {
      code: 'info-not-canonical',
      message:
        `\`info\` is not canonical: ${encodingProblemTexts[kind]} at byte ${offset}${andMore}. ` +
        (isRefused
          ? 'libtorrent refuses such a v2 or hybrid torrent; '
          : `Clients compute different infohashes and the swarm splits (${DISAGREEMENTS[kind]}); `) +
        'make the torrent again',
    }
  }

const warnOfOutside: Warn = (kind, offset, andMore) => ({
  code: 'outside-not-canonical',
  message:
    `not canonical outside of \`info\`: ${encodingProblemTexts[kind]} at byte ${offset}${andMore}. ` +
    'The infohash does not depend on it',
})

/** Observed with libtorrent 2.0.8, aria2 1.36 and Transmission 3.00; read in the sources of rtorrent and Transmission 4. */
const DISAGREEMENTS: Readonly<Record<Exclude<EncodingProblemKind, 'integer-too-large'>, string>> = {
  'key-unsorted': 'aria2 and Transmission 3 compute another one, rtorrent refuses the file',
  'key-duplicate': 'aria2 refuses the file',
  'integer-leading-zero': 'aria2 computes another one, Transmission refuses the file',
  'integer-minus-zero': 'aria2 and Transmission 3 compute another one',
  'length-leading-zero': 'aria2 and Transmission 3 compute another one, Transmission 4 refuses the file',
}

const INFO = Buffer.from('info')
const LETTER_D = 0x64
/** Tab, line feed, carriage return, space: editors and mail programs append them to files. */
const WHITE_SPACE: readonly number[] = [0x09, 0x0a, 0x0d, 0x20]

/** The infohashes that clients announce, 20 bytes each: v1, and the first 20 bytes of v2 (BEP 52). At least one. */
export function infoHashesOf({ infoHashV1, infoHashV2 }: Metainfo): Buffer[] {
  return [infoHashV1, infoHashV2?.subarray(0, INFO_HASH_BYTES)].filter((hash) => hash !== undefined)
}
