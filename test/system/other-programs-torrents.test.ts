/**
 * Torrents that other programs made, read by another program before and after we rewrote them: libtorrent must
 * find the same infohash, the same files, and our trackers.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { rewriteMetainfo } from '../../src/metainfo/rewrite.ts'
import { summarize } from '../../src/metainfo/summary.ts'
import { needs, type Requirement } from '../setup/needs.ts'

const TIERS = [
  ['http://t1.example:6969/announce', 'http://t2.example:6969/announce'],
  ['http://t0.example/announce'],
]

interface SeenByLibtorrent {
  readonly v1: string | null
  readonly v2: string | null
  readonly bytes: number
  readonly pieces: number
  readonly trackers: readonly string[]
}

const LOOK = `
import json, sys, libtorrent
info = libtorrent.torrent_info(sys.argv[1])
hashes = info.info_hashes()
print(json.dumps({
  'v1': str(hashes.v1) if hashes.has_v1() else None,
  'v2': str(hashes.v2) if hashes.has_v2() else None,
  'bytes': info.total_size(),
  'pieces': info.num_pieces(),
  'trackers': sorted('%d %s' % (tracker.tier, tracker.url) for tracker in info.trackers()),
}))`

/** argv: folder, output, flag of create_torrent. */
const MAKE = `
import sys, os, libtorrent
folder, output, flag = sys.argv[1:]
files = libtorrent.file_storage()
libtorrent.add_files(files, folder)
made = libtorrent.create_torrent(files, 16384, getattr(libtorrent.create_torrent, flag) if flag else 0)
made.add_tracker('http://old.example/announce')
libtorrent.set_piece_hashes(made, os.path.dirname(folder))
open(output, 'wb').write(libtorrent.bencode(made.generate()))`

const python = (script: string, ...args: readonly string[]) =>
  execFileSync('/usr/bin/python3', ['-W', 'ignore', '-c', script, ...args], { encoding: 'utf8' })

const lookAt = (file: string) => JSON.parse(python(LOOK, file)) as SeenByLibtorrent

type Make = (content: string, output: string) => void

const makers: readonly (readonly [string, Requirement, Make])[] = [
  [
    'mktorrent',
    'mktorrent',
    (content, output) =>
      execFileSync('mktorrent', ['-a', 'http://old.example/announce', '-p', '-o', output, content]),
  ],
  [
    'transmission-create',
    'transmission-create',
    (content, output) =>
      execFileSync('transmission-create', ['-p', '-t', 'http://old.example/announce', '-o', output, content]),
  ],
  ['libtorrent, v1', 'libtorrent', (content, output) => python(MAKE, content, output, 'v1_only')],
  ['libtorrent, hybrid', 'libtorrent', (content, output) => python(MAKE, content, output, '')],
  ['libtorrent, v2', 'libtorrent', (content, output) => python(MAKE, content, output, 'v2_only')],
]

describe.each(makers)('a torrent made by %s', (name, requirement, make) => {
  const missing = needs('libtorrent', requirement)
  let folder: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'siteswarm-torrents-'))
    const content = join(folder, 'content')
    mkdirSync(join(content, 'sub folder'), { recursive: true })
    writeFileSync(join(content, 'a.bin'), Buffer.alloc(100_000, 'a'))
    writeFileSync(join(content, 'sub folder', 'é.bin'), Buffer.alloc(33_333, 'b'))
    if (missing === false) make(content, join(folder, 'made.torrent'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is the same torrent to libtorrent after it was rewritten, with our trackers', (context) => {
    if (missing !== false) context.skip(missing)
    const made = join(folder, 'made.torrent')
    const rewritten = join(folder, 'rewritten.torrent')
    const metainfo = readMetainfo(readFileSync(made), made)
    writeFileSync(rewritten, rewriteMetainfo(metainfo, TIERS))

    const before = lookAt(made)
    const after = lookAt(rewritten)
    expect(before.trackers).toEqual(['0 http://old.example/announce'])
    expect(after).toEqual({
      ...before,
      trackers: [
        '0 http://t1.example:6969/announce',
        '0 http://t2.example:6969/announce',
        '1 http://t0.example/announce',
      ],
    })
    expect([
      metainfo.infoHashV1?.toString('hex') ?? null,
      metainfo.infoHashV2?.toString('hex') ?? null,
    ]).toEqual([before.v1, before.v2])
  })

  it('is summed up as libtorrent does', (context) => {
    if (missing !== false) context.skip(missing)
    const made = join(folder, 'made.torrent')
    const summary = summarize(readMetainfo(readFileSync(made), made))
    const seen = lookAt(made)
    expect(summary).toMatchObject({ name: 'content', contentBytes: 133_333, fileCount: 2 })
    expect(summary.files.map(({ path }) => path).toSorted()).toEqual([
      'content/a.bin',
      'content/sub folder/é.bin',
    ])
    expect(summary.pieceCount).toBe(seen.pieces)
    // Only libtorrent's own torrents lack the private flag here.
    expect(summary.isPrivate).toBe(!name.startsWith('libtorrent'))
    expect(summary.warnings.map(({ code }) => code)).not.toContain('info-incomplete')
    expect(summary.warnings.map(({ code }) => code)).not.toContain('pieces-mismatch')
  })
})
