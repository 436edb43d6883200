/**
 * Torrents made by other programs, read by libtorrent before and after rewriting: it must find the same infohash, the same
 * files, and our trackers. The statements of our warnings about clients are checked with those clients.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import createTorrent from 'create-torrent'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import fixtures from 'webtorrent-fixtures'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { summarize } from '../../src/metainfo/summary.ts'
import { runCommand } from '../a-command-run.ts'
import { AWKWARD_INFO, aTorrent } from '../a-torrent.ts'
import { checkRewrite } from '../checked-rewrite.ts'
import { LibtorrentReader, type LibtorrentTorrent } from '../libtorrent-reader.ts'
import { needs, type Requirement } from '../setup/needs.ts'

const TIERS = [
  ['http://t1.example:6969/announce', 'http://t2.example:6969/announce'],
  ['http://t0.example/announce'],
]

const CHANGES = [{}, { webSeeds: [], dropsNodes: true }, { webSeeds: ['http://seed.example/f'] }]

const TOPOLOGY = `
sites:
  fra:
    cidrs: [10.1.0.0/16]
    trackers: [http://t1.example:6969/announce, http://t2.example:6969/announce]
    bubbles: { row-a: { cidrs: [10.1.1.0/24], trackers: [http://a.example:6969/announce] } }
  ams: { cidrs: [10.2.0.0/16] }
fallback: { trackers: [http://t0.example/announce] }
`

/** argv: content, output, flag of create_torrent. */
const MAKE = `
import sys, os, libtorrent
content, output, flag = sys.argv[1:]
files = libtorrent.file_storage()
libtorrent.add_files(files, content)
made = libtorrent.create_torrent(files, 16384, getattr(libtorrent.create_torrent, flag) if flag else 0)
made.add_tracker('http://old.example/announce')
made.add_tracker('udp://old.example:80/announce', 1)
made.add_url_seed('http://mirror.example/')
made.add_http_seed('http://mirror.example/seed')
made.add_node('10.0.0.1', 6881)
libtorrent.set_piece_hashes(made, os.path.dirname(content))
open(output, 'wb').write(libtorrent.bencode(made.generate()))`

type Make = (content: string, output: string) => void | Promise<void>

const ANNOUNCE = 'http://old.example/announce'
const runs =
  (command: string, argv: (content: string, output: string) => readonly string[]): Make =>
  (content, output) => {
    execFileSync(command, argv(content, output))
  }
const libtorrentMakes = (flag: string) =>
  runs('/usr/bin/python3', (content, output) => ['-W', 'ignore', '-c', MAKE, content, output, flag])
const createTorrentMakes =
  (options: Omit<Parameters<typeof createTorrent>[1], 'announceList'>): Make =>
  async (content, output) => {
    const make = promisify(createTorrent)
    writeFileSync(output, await make(content, { announceList: [[ANNOUNCE]], ...options }))
  }

const makers: readonly (readonly [string, Requirement, Make])[] = [
  [
    'mktorrent',
    'mktorrent',
    runs('mktorrent', (content, output) => ['-a', ANNOUNCE, '-p', '-o', output, content]),
  ],
  [
    'mktorrent with tiers and web seeds',
    'mktorrent',
    runs('mktorrent', (content, output) => [
      '-a',
      `${ANNOUNCE},http://old-2.example/announce`,
      '-a',
      'udp://old.example:80/announce',
      '-w',
      'http://mirror.example/a/,http://mirror.example/b/',
      '-c',
      'a comment',
      '-s',
      'a source',
      '-o',
      output,
      content,
    ]),
  ],
  [
    'transmission-create',
    'transmission-create',
    runs('transmission-create', (content, output) => ['-p', '-t', ANNOUNCE, '-o', output, content]),
  ],
  [
    'transmission-create with two trackers and a comment',
    'transmission-create',
    runs('transmission-create', (content, output) => [
      '-t',
      ANNOUNCE,
      '-t',
      'http://old-2.example/announce',
      '-c',
      'ü',
      '-s',
      '32',
      '-o',
      output,
      content,
    ]),
  ],
  ['libtorrent, v1', 'libtorrent', libtorrentMakes('v1_only')],
  ['libtorrent, hybrid', 'libtorrent', libtorrentMakes('')],
  ['libtorrent, v2', 'libtorrent', libtorrentMakes('v2_only')],
  ['create-torrent', 'libtorrent', createTorrentMakes({ private: true, pieceLength: 16_384 })],
  [
    'create-torrent with a web seed',
    'libtorrent',
    createTorrentMakes({ urlList: ['http://mirror.example/'], comment: 'é' }),
  ],
]

let libtorrent: LibtorrentReader
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-torrents-'))
  writeFileSync(join(folder, 'topology.yaml'), TOPOLOGY)
  mkdirSync(join(folder, 'content', 'sub folder'), { recursive: true })
  writeFileSync(join(folder, 'content', 'a.bin'), Buffer.alloc(100_000, 'a'))
  writeFileSync(join(folder, 'content', 'sub folder', 'é.bin'), Buffer.alloc(33_333, 'b'))
  if (needs('libtorrent') === false) libtorrent = new LibtorrentReader()
})
afterAll(async () => {
  if (needs('libtorrent') === false) await libtorrent.stop()
  rmSync(folder, { recursive: true })
})

async function inspect(file: string) {
  const run = await runCommand(['inspect', file, '--json'])
  expect([run.exitCode, run.err]).toEqual([0, ''])
  return JSON.parse(run.out) as { infoHashV1: string | null; infoHashV2: string | null; tiers: string[][] }
}

describe.each(makers)('a torrent made by %s', (name, requirement, make) => {
  const missing = needs('libtorrent', requirement)
  let made: string
  beforeAll(async () => {
    made = join(folder, `${name.replaceAll(/[^a-z0-9]+/g, '-')}.torrent`)
    if (missing === false) await make(join(folder, 'content'), made)
  })

  it.skipIf(missing !== false).each(CHANGES)(
    'is the same torrent to libtorrent after it was rewritten: %j',
    async (changes) => {
      const { before, isWarned } = await checkRewrite(readFileSync(made), TIERS, changes, libtorrent)
      expect((before as LibtorrentTorrent).trackers).toContain('0 http://old.example/announce')
      expect(isWarned).toBe(false)
    },
  )

  it.skipIf(missing !== false)(
    'has the same infohash to inspect in each of the files that rewrite --all writes',
    async () => {
      const directory = `${made}.all`
      const topology = join(folder, 'topology.yaml')
      const run = await runCommand(['rewrite', made, '--all', '-d', directory, '--topology', topology])
      expect(run.exitCode).toBe(0)
      const seen = (await libtorrent.read(readFileSync(made))) as LibtorrentTorrent
      const tiers: Record<string, number[]> = {}
      for (const file of readdirSync(directory)) {
        const found = await inspect(join(directory, file))
        expect([found.infoHashV1, found.infoHashV2]).toEqual([seen.v1, seen.v2])
        tiers[file.split('.').slice(1, -1).join('.')] = found.tiers.map((tier) => tier.length)
      }
      expect(tiers).toEqual({ ams: [1], fra: [2, 1], 'fra.row-a': [1, 2, 1] })
    },
  )

  it.skipIf(missing !== false)('is summed up as libtorrent does', async () => {
    const summary = summarize(readMetainfo(readFileSync(made), made))
    const seen = (await libtorrent.read(readFileSync(made))) as LibtorrentTorrent
    expect(summary).toMatchObject({ name: 'content', contentBytes: 133_333, fileCount: 2 })
    expect(summary.files.map(({ path }) => path).toSorted()).toEqual([
      'content/a.bin',
      'content/sub folder/é.bin',
    ])
    expect(summary.pieceCount).toBe(seen.pieces)
    expect(summary.warnings.map(({ code }) => code)).not.toContain('info-incomplete')
    expect(summary.warnings.map(({ code }) => code)).not.toContain('pieces-mismatch')
  })
})

describe('the torrents that WebTorrent is tested with', () => {
  const missing = needs('libtorrent')
  const fixtureFolder = dirname(fixtures.leaves.torrentPath)
  const files = readdirSync(fixtureFolder).filter((file) => file.endsWith('.torrent'))

  it.skipIf(missing !== false).each(files)(
    'are the same to libtorrent after rewriting, or refused before and after: %s',
    async (file) => {
      for (const changes of CHANGES) {
        const torrent = readFileSync(join(fixtureFolder, file))
        const { before, isDisputed } = await checkRewrite(torrent, TIERS, changes, libtorrent)
        expect(['refused' in before, isDisputed]).toEqual([file === 'corrupt.torrent', false])
      }
    },
  )
})

/** Infohash of a client that decodes `info` and encodes it again, which is that of the canonical form. */
const CANONICAL = '2bcb3dab253c7e8c9355b33f262efadd63005087'
/** The same with `7:privatei0e` at its end. */
const WITH_ZERO = '45441a64a954d1d75084fb6e18143dc2c4f8f2c1'

describe('a torrent with a warning that clients disagree about its infohash', () => {
  const missing = needs('libtorrent', 'transmission-create', 'aria2c')
  const changed = (from: string, to: string) =>
    aTorrent({ info: Buffer.from(AWKWARD_INFO.toString('latin1').replace(from, to), 'latin1') })
  const NAME = '4:name12:t0126238.bin'
  const LENGTH = '6:lengthi32768e'
  const LAST = AWKWARD_INFO.toString('latin1', 71, 110)

  it.skipIf(missing !== false).each([
    ['key-unsorted', changed(LENGTH + NAME, NAME + LENGTH), CANONICAL, CANONICAL],
    ['integer-leading-zero', changed('i32768e', 'i032768e'), CANONICAL, 'refused'],
    ['length-leading-zero', changed('4:name12:', '4:name012:'), CANONICAL, CANONICAL],
    ['key-duplicate', changed(NAME, NAME + NAME), 'refused', 'raw'],
    ['integer-minus-zero', changed(LAST, `${LAST}7:privatei-0e`), WITH_ZERO, WITH_ZERO],
  ])('has other ones in aria2 and Transmission 3: %s', async (problem, torrent, inAria2, inTransmission) => {
    const file = join(folder, `${problem}.torrent`)
    writeFileSync(file, torrent)
    const raw = readMetainfo(torrent, file).infoHashV1?.toString('hex') ?? ''
    expect(readMetainfo(torrent, file).warnings).toMatchObject([{ code: 'info-not-canonical', problem }])
    const seen = (hash: string) => (hash === raw ? 'raw' : hash)
    expect([
      seen(hashFrom('aria2c', ['-S', file], /Info Hash: ([0-9a-f]{40})/)),
      seen(hashFrom('transmission-show', [file], /Hash: ([0-9a-f]{40})/)),
      ((await libtorrent.read(torrent)) as LibtorrentTorrent).v1,
    ]).toEqual([inAria2, inTransmission, raw])
  })
})

function hashFrom(command: string, argv: readonly string[], form: RegExp): string {
  try {
    const output = execFileSync(command, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return form.exec(output)?.[1] ?? 'refused'
  } catch {
    return 'refused'
  }
}
