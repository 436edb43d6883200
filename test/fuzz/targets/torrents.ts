/** Torrents and magnets, and the responses of other trackers. */
import { deepStrictEqual, ok } from 'node:assert'
import { InputError } from '../../../src/core/errors.ts'
import { readAnnounceResponse } from '../../../src/client/announce-response.ts'
import { readScrapeResponse } from '../../../src/client/scrape-response.ts'
import { readMagnet, rewriteMagnet } from '../../../src/metainfo/magnet.ts'
import { infoHashesOf, type Metainfo, readMetainfo } from '../../../src/metainfo/metainfo.ts'
import { pieceHashes } from '../../../src/metainfo/piece-hashes.ts'
import { rewriteMetainfo } from '../../../src/metainfo/rewrite.ts'
import { summarize } from '../../../src/metainfo/summary.ts'
import { AWKWARD_INFO_HASH, aTorrent, PLAIN_TORRENT } from '../../a-torrent.ts'
import { type FuzzTarget, unlessRejected } from '../fuzz-target.ts'

const TIERS = [['http://t1.example:6969/announce'], ['http://t0.example:6969/announce']]
const TOKENS = [
  'd',
  'l',
  'e',
  'i0e',
  'i-1e',
  '4:info',
  '6:lengthi5e',
  '4:name',
  '12:piece lengthi16384e',
  '6:pieces20:',
  '5:filesl',
  '9:file treed',
  '4:pathl',
  '12:piece layersd',
  '12:meta versioni2e',
  '8:announce',
  '2:..',
  '0:',
]

export const torrentFile: FuzzTarget = {
  name: 'torrent-file',
  bytesMax: 4_096,
  tokens: TOKENS,
  examples: [
    PLAIN_TORRENT,
    aTorrent(),
    'd13:announce-listll8:http://a8:http://bel8:http://cee4:infod5:filesld6:lengthi5e4:pathl3:dir5:a.txteed4:attr1:p6:lengthi9e' +
      '4:pathl4:.pad1:9eee4:name1:n12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa7:privatei1ee8:url-listl8:http://wee',
    'd4:infod9:file treed3:dird1:ad0:d6:lengthi5e11:pieces root32:rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrreeee12:meta versioni2e' +
      '4:name1:n12:piece lengthi16384ee12:piece layersdee',
  ],
  read(input) {
    const metainfo = unlessRejected(InputError, () => readMetainfo(input, 'the torrent'))
    if (metainfo === undefined) return
    unlessRejected(InputError, () => summarize(metainfo))
    unlessRejected(InputError, () => pieceHashes(metainfo))
    const bytes = unlessRejected(InputError, () => rewriteMetainfo(metainfo, TIERS))
    if (bytes === undefined) return
    const again: Metainfo = readMetainfo(bytes, 'the rewritten torrent')
    deepStrictEqual(infoHashesOf(again), infoHashesOf(metainfo))
    deepStrictEqual(rewriteMetainfo(again, TIERS), bytes)
  },
}

export const magnet: FuzzTarget = {
  name: 'magnet',
  bytesMax: 1_024,
  tokens: [
    'magnet:?',
    '&',
    '=',
    'xt=urn:btih:',
    'xt=urn:btmh:1220',
    'tr=',
    'tr.1=',
    'ws=',
    'dn=',
    '%',
    '%2B',
    'so=0-2',
    AWKWARD_INFO_HASH,
  ],
  examples: [
    `magnet:?xt=urn:btih:${AWKWARD_INFO_HASH}&dn=a+b%20c&tr=http%3A%2F%2Fa%2Fannounce&tr.1=udp://b:1&ws=http://w&x.pe=[::1]:7`,
    `magnet:?xt.1=urn:btmh:1220${'ab'.repeat(32)}&xt.2=urn:btih:FPFT3KZFHR7IZE2VWM7SMLX23VRQAUEH&so=0,2-4`,
  ],
  read(input) {
    const read = unlessRejected(InputError, () => readMagnet(input.toString()))
    if (read === undefined) return
    const again = readMagnet(rewriteMagnet(read, TIERS))
    deepStrictEqual([again.infoHashV1, again.infoHashV2], [read.infoHashV1, read.infoHashV2])
    ok(again.trackers.length === 2)
  },
}

export const trackerResponse: FuzzTarget = {
  name: 'tracker-response',
  bytesMax: 4_096,
  tokens: [
    'd',
    'e',
    'l',
    '5:peers',
    '6:peers6',
    '8:intervali',
    '12:min intervali',
    '14:failure reason',
    '5:filesd20:',
    '8:completei1e',
    '2:ip',
    '4:port',
  ],
  examples: [
    'd8:completei1e10:downloadedi0e10:incompletei2e8:intervali1800e12:min intervali900e5:peers6:abcdefe',
    'd5:peersld2:ip9:127.0.0.14:porti6881eeee',
    'd5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi0e10:incompletei2eee5:flagsd20:min_request_intervali1800eee',
    'd14:failure reason4:gonee',
  ],
  read(input) {
    const response = { url: 'http://t.example/announce', status: 200, headers: {}, body: input, elapsedMs: 1 }
    unlessRejected(InputError, () => readAnnounceResponse(response))
    unlessRejected(InputError, () => readScrapeResponse(response, [Buffer.alloc(20, 97)]))
  },
}
