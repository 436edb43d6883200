/**
 * Passes a million mutated torrents and magnets through the reader, the summary and the rewriter: each is either read or
 * rejected with a position, a rewritten one keeps its infohash, and memory does not grow. The share that is read is
 * printed as well, because a run in which all input is rejected at its first byte would prove nothing.
 *
 * Not a benchmark of speed: the figure is the number of crashes, and it must be 0. A run can be repeated by its printed
 * seed.
 *
 * Usage: torrent-fuzz [inputs, default 1000000] [seed, default 1]
 */
import { InputError } from '../src/core/errors.ts'
import { SeededRandom } from '../src/core/random.ts'
import { readMagnet, rewriteMagnet, writeMagnet } from '../src/metainfo/magnet.ts'
import { readMetainfo } from '../src/metainfo/metainfo.ts'
import { rewriteMetainfo } from '../src/metainfo/rewrite.ts'
import { summarize } from '../src/metainfo/summary.ts'

const INPUTS = Number(process.argv[2] ?? '1000000')
const SEED = Number(process.argv[3] ?? '1')
const random = new SeededRandom(SEED)
const TIERS = [['http://t1.example:6969/announce'], ['http://t0.example:6969/announce']]

const HASH = '2bcb3dab253c7e8c9355b33f262efadd63005087'
const SEEDS = [
  'd8:announce8:http://a4:infod6:lengthi5e4:name5:a.txt12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee',
  'd13:announce-listll8:http://a8:http://bel8:http://cee7:comment5:hello13:creation datei1700000000e4:infod5:filesl' +
    'd6:lengthi5e4:pathl3:dir5:a.txteed4:attr1:p6:lengthi9e4:pathl4:.pad1:9eee4:name1:n12:piece lengthi16384e' +
    '6:pieces20:aaaaaaaaaaaaaaaaaaaa7:privatei1ee5:nodesll9:127.0.0.1i6881eee8:url-listl8:http://wee',
  'd4:infod9:file treed3:dird1:ad0:d6:lengthi5e11:pieces root32:rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrreee5:emptyd0:' +
    'd6:lengthi0eeee6:lengthi5e12:meta versioni2e4:name1:n12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae' +
    '12:piece layersd32:rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr0:ee',
].map((text) => Buffer.from(text))
const MAGNETS = [
  `magnet:?xt=urn:btih:${HASH}&dn=a+b%20c&tr=http%3A%2F%2Fa%2Fannounce&tr.1=udp://b:1&ws=http://w&x.pe=[::1]:7`,
  `magnet:?xt.1=urn:btmh:1220${HASH}${HASH.slice(0, 24)}&xt.2=urn:btih:FPFT3KZFHR7IZE2VWM7SMLX23VRQAUEH&so=0,2-4`,
].map((text) => Buffer.from(text))
/** Tokens of bencoding and magnets: mutations with these fail late in the parser. */
const LETTERS = Buffer.from('dlei:-0123456789&=%.')

const crashes: string[] = []
let read = 0
let refused = 0

/** Warm-up to a steady state, so that later growth is a leak. */
fuzz(Math.min(INPUTS, 20_000))
const before = memoryMib()
read = 0
refused = 0
fuzz(INPUTS)
const after = memoryMib()

console.log(`seed ${SEED}: ${INPUTS} inputs, ${read} read and rewritten, ${refused} rejected with a reason`)
console.log(`crashed or changed  ${crashes.length}`)
console.log(`memory after a collection  ${before.toFixed(1)} MiB before, ${after.toFixed(1)} MiB after`)
for (const crash of crashes.slice(0, 5)) console.log(crash)
process.exitCode = crashes.length === 0 ? 0 : 1

function fuzz(count: number): void {
  for (let index = 0; index < count; index++) {
    const isMagnet = index % 4 === 3
    const originals = isMagnet ? MAGNETS : SEEDS
    const input = spoil(originals[random.below(originals.length)] as Buffer)
    try {
      if (isMagnet) passMagnet(input.toString())
      else passTorrent(input)
      read++
    } catch (error) {
      if (error instanceof InputError && hasPlace(error.message, input, isMagnet)) refused++
      else crashes.push(`${String(error)} for ${input.toString('base64')}`)
    }
  }
}

function passTorrent(input: Buffer): void {
  const metainfo = readMetainfo(input, 'x')
  const summary = summarize(metainfo)
  JSON.stringify(summary)
  const again = readMetainfo(rewriteMetainfo(metainfo, TIERS, { webSeeds: [], dropsNodes: true }), 'x')
  const hash = metainfo.infoHashV1 ?? metainfo.infoHashV2
  if (hash?.equals((again.infoHashV1 ?? again.infoHashV2) as Buffer) !== true)
    throw new Error('another torrent')
  const magnet = readMagnet(writeMagnet({ ...metainfo, name: summary.name }, TIERS))
  if ((magnet.infoHashV1 ?? magnet.infoHashV2)?.equals(hash) !== true) throw new Error('another magnet')
}

function passMagnet(input: string): void {
  const magnet = readMagnet(input)
  const again = readMagnet(rewriteMagnet(magnet, TIERS, { webSeeds: ['http://w'] }))
  const hash = (magnet.infoHashV1 ?? magnet.infoHashV2) as Buffer
  if ((again.infoHashV1 ?? again.infoHashV2)?.equals(hash) !== true) throw new Error('another magnet')
}

/** The error of a rejected torrent contains the byte position, unless it concerns the whole file; the error of a magnet does not. */
function hasPlace(message: string, input: Buffer, isMagnet: boolean): boolean {
  if (message.includes('\n')) return false
  if (isMagnet) return true
  const offset = /^x, byte (\d+): /.exec(message)?.[1]
  return offset === undefined ? message.startsWith('x: ') : Number(offset) <= input.length
}

/** Applies one to four mutations: changes a byte, removes, repeats or moves bytes, or truncates the input. */
function spoil(original: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(original)
  for (let times = random.below(4); times >= 0; times--) {
    const from = random.below(bytes.length + 1)
    const to = Math.min(bytes.length, from + random.below(24))
    const part = bytes.subarray(from, to)
    const rest = [bytes.subarray(0, from), bytes.subarray(to)] as const
    const kind = random.below(7)
    if (kind === 0) bytes = Buffer.concat([rest[0], letter(), rest[1]])
    else if (kind === 1) bytes = Buffer.concat([...rest])
    else if (kind === 2) bytes = Buffer.concat([rest[0], part, part, rest[1]])
    else if (kind === 3) bytes = bytes.subarray(0, bytes.length - random.below(8))
    else if (from < bytes.length) bytes[from] = kind === 4 ? random.below(256) : (letter()[0] as number)
  }
  return bytes
}

function letter(): Buffer {
  const at = random.below(LETTERS.length)
  return LETTERS.subarray(at, at + 1)
}

function memoryMib(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1_048_576
}
