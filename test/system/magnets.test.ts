/** Magnets as libtorrent reads them, before and after rewriting, and those made from a torrent. */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { readMagnet, rewriteMagnet, writeMagnet } from '../../src/metainfo/magnet.ts'
import { needs } from '../setup/needs.ts'

const HASH = '2bcb3dab253c7e8c9355b33f262efadd63005087'
const HASH_V2 = 'e9abc934f370818f5fabcd6dbbe736e5aa10304e69b19b53e640205db120693a'
const TIERS = [
  ['http://t1.example:6969/announce?pk=a+b%20c', 'http://t2.example:6969/announce'],
  ['udp://t0.example:6969/announce'],
]
const TRACKERS = TIERS.flat()

const READ = `
import json, sys, libtorrent
seen = []
for uri in sys.argv[1:]:
  params = libtorrent.parse_magnet_uri(uri)
  hashes = params.info_hashes
  seen.append({
    'v1': str(hashes.v1) if hashes.has_v1() else None,
    'v2': str(hashes.v2) if hashes.has_v2() else None,
    'name': params.name,
    'trackers': list(params.trackers),
    'tiers': list(params.tracker_tiers),
    'webSeeds': list(params.url_seeds),
    'peers': len(params.peers),
  })
print(json.dumps(seen))`

interface SeenMagnet {
  readonly v1: string | null
  readonly v2: string | null
  readonly name: string
  readonly trackers: readonly string[]
  readonly tiers: readonly number[]
  readonly webSeeds: readonly string[]
  readonly peers: number
}

const lookAt = (magnets: readonly string[]) =>
  JSON.parse(
    execFileSync('/usr/bin/python3', ['-W', 'ignore', '-c', READ, ...magnets], { encoding: 'utf8' }),
  ) as SeenMagnet[]

describe.skipIf(needs('libtorrent') !== false)('a magnet', () => {
  it('is the same to libtorrent after rewriting except for its trackers, each in a tier of its own', () => {
    const magnets = [
      `magnet:?xt=urn:btih:${HASH}`,
      'magnet:?xt=urn:btih:FPFT3KZFHR7IZE2VWM7SMLX23VRQAUEH&dn=a+b&tr=http%3A%2F%2Fold%2Fannounce',
      `magnet:?tr.1=udp%3A%2F%2Fold%3A1&xt=urn:btmh:1220${HASH_V2}&dn=%C3%A9&x.pe=10.0.0.1:6881&x.pe=[fd00::1]:6881`,
      `magnet:?xt=urn:btih:${HASH}&xt=urn:btmh:1220${HASH_V2}&ws=http%3A%2F%2Fw%2Ff&so=0,2-4&x.unknown=1`,
    ]
    const before = lookAt(magnets)
    expect(before.map(({ v1, v2, peers }) => [v1, v2, peers])).toEqual([
      [HASH, null, 0],
      [HASH, null, 0],
      [null, HASH_V2, 2],
      [HASH, HASH_V2, 0],
    ])
    const after = lookAt(magnets.map((magnet) => rewriteMagnet(readMagnet(magnet), TIERS)))
    expect(after).toEqual(before.map((seen) => ({ ...seen, trackers: TRACKERS, tiers: [0, 1, 2] })))
  })

  it('of a torrent file has its infohashes, name, trackers and web seeds to libtorrent', () => {
    const torrent = {
      infoHashV1: Buffer.from(HASH, 'hex'),
      infoHashV2: Buffer.from(HASH_V2, 'hex'),
      name: 'é & a+b 100%.iso',
    }
    expect(lookAt([writeMagnet(torrent, TIERS, { webSeeds: ['http://w/a b?c=d&e'] })])).toEqual([
      {
        v1: HASH,
        v2: HASH_V2,
        name: 'é & a+b 100%.iso',
        trackers: TRACKERS,
        tiers: [0, 1, 2],
        webSeeds: ['http://w/a b?c=d&e'],
        peers: 0,
      },
    ])
  })
})
