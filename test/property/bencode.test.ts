/** The scanner on arbitrary bytes and on generated bencoding. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { EncodingProblem } from '../../src/bencode/encoding-problem.ts'
import { BencodeScanner } from '../../src/bencode/scanner.ts'
import { InputError } from '../../src/core/errors.ts'
import { readMagnet } from '../../src/metainfo/magnet.ts'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { rewriteMetainfo } from '../../src/metainfo/rewrite.ts'
import { summarize } from '../../src/metainfo/summary.ts'
import { bencoded, nearlyBencoded } from './bencoded.ts'

function scan(bytes: Buffer): { end: number; problems: EncodingProblem[] } {
  const problems: EncodingProblem[] = []
  const scanner = new BencodeScanner(bytes, 'x.torrent', 0, (kind, offset) => problems.push({ kind, offset }))
  while (scanner.next() !== undefined);
  return { end: scanner.end, problems }
}

/** True where `work` returns, or throws an `InputError` with an offset in the bytes. */
function endsWell(bytes: Buffer, work: () => unknown): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (!(error instanceof InputError)) return false
    const offset = /^x\.torrent, byte (\d+): /.exec(error.message)?.[1]
    return offset === undefined ? error.message.startsWith('x.torrent: ') : Number(offset) <= bytes.length
  }
}

const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
/** Only characters of bencoding, so that errors occur late. */
const letters = fc
  .array(fc.constantFrom(...'dlei:-0123456789a'.split('')), { maxLength: 300 })
  .map((characters) => Buffer.from(characters.join('')))

describe('arbitrary bytes', () => {
  it('are read, or refused with an offset', () => {
    fc.assert(
      fc.property(fc.oneof(noise, letters, nearlyBencoded), (bytes) => endsWell(bytes, () => scan(bytes))),
      { numRuns: 50_000 },
    )
  })

  it('after the `info` of a torrent are read and summarized, or refused with an offset', () => {
    const torrent = fc
      .oneof(noise, letters, nearlyBencoded, bencoded)
      .map((info) => Buffer.concat([Buffer.from('d4:info'), info, Buffer.from('e')]))
    fc.assert(
      fc.property(torrent, (bytes) => endsWell(bytes, () => summarize(readMetainfo(bytes, 'x.torrent')))),
      { numRuns: 20_000 },
    )
  })

  it('in and around an `info` are rewritten to the same torrent, or refused with an offset', () => {
    const part = fc.oneof(bencoded, nearlyBencoded, letters)
    const torrent = fc
      .tuple(part, part, part)
      .map(([before, info, behind]) =>
        Buffer.concat([
          Buffer.from('d1:a'),
          before,
          Buffer.from('4:infod1:b'),
          info,
          Buffer.from('e1:c'),
          behind,
          Buffer.from('e'),
        ]),
      )
    const hashOf = (bytes: Buffer) => {
      const { infoHashV1, infoHashV2 } = readMetainfo(bytes, 'x.torrent')
      return (infoHashV1 ?? infoHashV2)?.toString('hex')
    }
    fc.assert(
      fc.property(torrent, (bytes) =>
        endsWell(bytes, () => {
          const metainfo = readMetainfo(bytes, 'x.torrent')
          const rewritten = rewriteMetainfo(metainfo, [['http://t']], { webSeeds: [], dropsNodes: true })
          assert.equal(hashOf(rewritten), hashOf(bytes))
        }),
      ),
      { numRuns: 20_000 },
    )
  })

  it('as the value of a known key of `info` are summarized, or refused with an offset', () => {
    const key = fc.constantFrom(
      'name',
      'files',
      'file tree',
      'length',
      'pieces',
      'piece length',
      'private',
      'meta version',
    )
    const torrent = fc
      .tuple(key, fc.oneof(bencoded, nearlyBencoded))
      .map(([name, value]) =>
        Buffer.concat([Buffer.from(`d4:infod${name.length}:${name}`), value, Buffer.from('ee')]),
      )
    fc.assert(
      fc.property(torrent, (bytes) => endsWell(bytes, () => summarize(readMetainfo(bytes, 'x.torrent')))),
      { numRuns: 20_000 },
    )
  })

  it('as a magnet are read, or refused', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom(
            'xt',
            'xt.1',
            '=',
            '&',
            'urn:btih:',
            'urn:btmh:1220',
            'ab'.repeat(20),
            '%',
            '%2',
            'tr',
            'dn',
          ),
          { maxLength: 30 },
        )
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (tail) => {
        try {
          readMagnet(`magnet:?${tail}`)
          return true
        } catch (error) {
          return error instanceof InputError
        }
      }),
      { numRuns: 20_000 },
    )
  })
})

describe('bencoding', () => {
  it('is read to its last byte, with any bytes after it', () => {
    fc.assert(
      fc.property(
        bencoded,
        noise,
        (value, behind) => scan(Buffer.concat([value, behind])).end === value.length,
      ),
      { numRuns: 5_000 },
    )
  })

  it('is reported as cut short at every cut', () => {
    fc.assert(
      fc.property(bencoded, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, share) => {
        const cut = value.subarray(0, Math.floor(value.length * share))
        try {
          scan(cut)
          return false
        } catch (error) {
          return error instanceof InputError && error.message.includes('cut short')
        }
      }),
      { numRuns: 5_000 },
    )
  })
})
