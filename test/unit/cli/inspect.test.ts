import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AWKWARD_INFO_HASH, aTorrent, PLAIN_TORRENT } from '../../a-torrent.ts'
import { runCommand } from '../../a-command-run.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-inspect-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function aFile(content: Buffer | string): string {
  const file = join(folder, 'x.torrent')
  writeFileSync(file, content)
  return file
}

describe('inspect', () => {
  it('prints a torrent', async () => {
    const run = await runCommand(['inspect', aFile(PLAIN_TORRENT)])
    expect(run.out).toBe(
      [
        'infohash     7faf75b2447f88700c68f1eceda713cd90a0127a',
        'name         a.txt',
        'size         5 B (5 bytes) in 1 file',
        'pieces       1 of 16 KiB',
        'private      no',
        'trackers     tier 1  http://tracker.example.org/announce',
        'web seeds    http://mirror.example.org/f',
        'comment      hello',
        'created      2023-11-14T22:13:20.000Z',
        'files              5 B  a.txt',
        'warning: not private: clients find peers of other sites through PEX, DHT and LSD, without a tracker; ' +
          'make the torrent again with private=1 (it is part of the infohash and cannot be added) [not-private]',
        'warning: has web seeds: clients of every site fetch from them, independently of trackers [web-seeds]',
        '',
      ].join('\n'),
    )
    expect([run.exitCode, run.err]).toEqual([0, ''])
  })

  it('prints one JSON document', async () => {
    const file = aFile(PLAIN_TORRENT)
    const run = await runCommand(['inspect', file, '--json'])
    expect(JSON.parse(run.out)).toEqual({
      kind: 'torrent',
      source: file,
      infoHashV1: '7faf75b2447f88700c68f1eceda713cd90a0127a',
      infoHashV2: null,
      name: 'a.txt',
      contentBytes: 5,
      paddingBytes: 0,
      pieceBytes: 16384,
      pieceCount: 1,
      private: false,
      tiers: [['http://tracker.example.org/announce']],
      webSeeds: ['http://mirror.example.org/f'],
      comment: 'hello',
      createdBy: null,
      createdAt: '2023-11-14T22:13:20.000Z',
      fileCount: 1,
      files: [{ path: 'a.txt', lengthBytes: 5 }],
      warnings: [
        { code: 'not-private', message: expect.stringContaining('private=1') as string },
        { code: 'web-seeds', message: expect.stringContaining('every site') as string },
      ],
    })
  })

  it('prints the first twenty files and the number of the others', async () => {
    const files = Array.from({ length: 23 }, (_, index) => `d6:lengthi1e4:pathl2:${index + 10}ee`).join('')
    const run = await runCommand(['inspect', aFile(aTorrent({ info: `d5:filesl${files}e4:name1:xe` }))])
    expect(run.out).toContain(
      '             '.concat('      1 B  x/29\n', '             and 3 more; --json lists up to 10000\n'),
    )
    expect(run.out).not.toContain('x/30')
  })

  it('prints both infohashes of a hybrid, and the one in announces', async () => {
    const info = 'd9:file treede12:meta versioni2e4:name1:a6:pieces0:e'
    const run = await runCommand(['inspect', aFile(aTorrent({ info }))])
    expect(run.out.split('\n').slice(0, 3)).toEqual([
      'infohash     cd24a25771eede9196b1ec1e17e2751821275c41',
      'infohash v2  375424149e690efd99cb389e238e5f9cf889a415e041c318cb75da9410bbfeed',
      'on the wire  375424149e690efd99cb389e238e5f9cf889a415',
    ])
  })

  it('escapes control characters of a torrent', async () => {
    const run = await runCommand(['inspect', aFile(aTorrent({ info: 'd4:name8:\u001b]0;x\u0007\r\ne' }))])
    expect(run.out).toContain('name         \\u{1b}]0;x\\u{7}\\u{d}\\u{a}\n')
    expect(run.out).not.toContain('\u001b')
  })

  it('prints no date for one out of range', async () => {
    const run = await runCommand([
      'inspect',
      aFile(aTorrent({ before: '13:creation datei9007199254740991e' })),
      '--json',
    ])
    expect((JSON.parse(run.out) as { createdAt: unknown }).createdAt).toBeNull()
  })

  it('prints a magnet', async () => {
    const magnet = `magnet:?xt=urn:btih:${AWKWARD_INFO_HASH}&dn=a&tr=http%3A%2F%2Ft%2Fannounce&tr=udp://u:1`
    const run = await runCommand(['inspect', magnet])
    expect(run.out.split('\n').slice(0, 4)).toEqual([
      'infohash     2bcb3dab253c7e8c9355b33f262efadd63005087',
      'name         a',
      'trackers     tier 1  http://t/announce',
      '             tier 2  udp://u:1',
    ])
    const json = await runCommand(['inspect', magnet, '--json'])
    expect(JSON.parse(json.out)).toMatchObject({
      kind: 'magnet',
      tiers: [['http://t/announce'], ['udp://u:1']],
    })
  })

  it.each([
    ['x', 'x.torrent, byte 0: a torrent is a bencoded dictionary and begins with "d"'],
    ['d4:info', 'x.torrent, byte 7: the data ends here; the file is cut short, fetch it again'],
  ])('exits 1 with the offset in a file that is not a torrent: %j', async (content, message) => {
    const run = await runCommand(['inspect', aFile(content)])
    expect([run.exitCode, run.out]).toEqual([1, ''])
    expect(run.err).toContain(message)
  })

  it('exits 1 for a missing file, an empty magnet and a URL', async () => {
    const missing = await runCommand(['inspect', join(folder, 'gone.torrent')])
    expect([missing.exitCode, missing.err]).toEqual([
      1,
      `siteswarm: cannot read ${folder}/gone.torrent: no such file or folder; check the spelling\n`,
    ])
    const magnet = await runCommand(['inspect', 'magnet:?dn=x'])
    expect([magnet.exitCode, magnet.err.slice(0, 40)]).toEqual([
      1,
      'siteswarm: the magnet has no infohash: i',
    ])
    const url = await runCommand(['inspect', 'https://x.example/a.torrent'])
    expect([url.exitCode, url.err]).toEqual([
      1,
      'siteswarm: https://x.example/a.torrent is a URL; download the file first, for example with curl -O\n',
    ])
  })

  it('exits 64 without an argument', async () => {
    expect((await runCommand(['inspect'])).exitCode).toBe(64)
  })
})
