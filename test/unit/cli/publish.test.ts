/** Tests of the command `publish`: registration, output, and errors. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { PublishProgress } from '../../../src/cli/publish-progress.ts'
import { readMetainfo } from '../../../src/metainfo/metainfo.ts'
import { runCommand } from '../../a-command-run.ts'
import { aPublisher } from '../../a-publisher.ts'
import { aWebServer } from '../../a-web-server.ts'

/**
 * SHA-1 of `d6:lengthi5e4:name5:a.txt12:piece lengthi16384e6:pieces20:…7:privatei1ee` with the SHA-1 of "hello",
 * computed with Python.
 */
const INFO_HASH = 'a0c8691e1280a61bff4c493fd2b230a908ffeb2a'

describe('publish', () => {
  const publish = aPublisher()
  let folder: string
  const at = (name: string) => join(folder, name)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'siteswarm-publish-'))
    writeFileSync(at('a.txt'), 'hello')
    publish.registered.length = 0
    publish.warnings = []
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('registers the torrent with its origin, and prints the URLs for each site', async () => {
    const run = await publish([at('a.txt'), '--token', 'sesame'])
    expect(run).toMatchObject({ exitCode: 0, err: '' })
    expect(run.out.split('\n')).toEqual([
      `infohash     ${INFO_HASH}`,
      'name         a.txt',
      'size         5 B (5 bytes)',
      'pieces       1 of 16 KiB',
      'fra          http://fra.example/x.torrent',
      'fra/row-a    http://row-a.example/x.torrent',
      '',
      'on the hosts of each site, with the URL of their site, for example:',
      '  aria2c --follow-torrent=mem --seed-ratio=0 http://fra.example/x.torrent',
      '',
    ])
    expect(publish.registered).toMatchObject([
      {
        path: `/api/v1/torrents?${new URLSearchParams({ origin: at('a.txt') }).toString()}`,
        contentType: 'application/x-bittorrent',
        authorization: 'Bearer sesame',
      },
    ])
    const registered = readMetainfo(publish.registered[0]?.bytes ?? Buffer.alloc(0), 'registered')
    expect(registered.infoHashV1?.toString('hex')).toBe(INFO_HASH)
  })

  it('prints the warnings of the node, and how to start a first seed if the node is not a source', async () => {
    publish.warnings = [{ code: 'origin-unusable', message: 'this node serves no files\u001b[2J' }]
    const run = await publish([at('a.txt')])
    expect(run).toMatchObject({
      exitCode: 0,
      err: 'warning: this node serves no files\\u{1b}[2J [origin-unusable]\n',
    })
    expect(run.out.split('\n').slice(-6)).toEqual([
      '',
      'first, a seed on this machine, with the URL of its site, for example:',
      `  aria2c --follow-torrent=mem --seed-ratio=0 --check-integrity=true --dir=${folder} http://fra.example/x.torrent`,
      'then, on the hosts of each site, with the URL of their site, for example:',
      '  aria2c --follow-torrent=mem --seed-ratio=0 http://fra.example/x.torrent',
      '',
    ])
    const { out } = await publish([at('a.txt'), '--json'])
    expect(JSON.parse(out)).toMatchObject({ warnings: publish.warnings })
    expect((await publish([at('a.txt'), '--name', 'b.txt'])).out).toContain(
      'first, a seed on a host that has the content, in the folder that holds it',
    )
  })

  it('reports links that were followed, and publishes their files', async () => {
    mkdirSync(at('tree/lib'), { recursive: true })
    writeFileSync(at('tree/lib/a'), 'hello')
    symlinkSync('lib', at('tree/lib64'))
    const run = await publish([at('tree')])
    expect(run).toMatchObject({
      exitCode: 0,
      err: expect.stringContaining('warning: 1 files (5 bytes) are in the torrent twice'),
    })
  })

  it('prints the same facts as one JSON document', async () => {
    const run = await publish([at('a.txt'), '--json', '-o', at('a.torrent')])
    expect(run).toMatchObject({ exitCode: 0, err: '' })
    expect(JSON.parse(run.out)).toMatchObject({
      infoHashV1: INFO_HASH,
      infoHashV2: null,
      name: 'a.txt',
      sizeBytes: 5,
      pieceBytes: 16_384,
      pieceCount: 1,
      private: true,
      output: at('a.torrent'),
      registered: true,
      sites: [
        { site: 'fra', bubble: '-', torrentUrl: 'http://fra.example/x.torrent' },
        { site: 'fra', bubble: 'row-a' },
      ],
      warnings: [],
    })
    expect(existsSync(at('a.torrent'))).toBe(true)
  })

  it('does not register or print a URL whose query may be a signature', async () => {
    const server = await aWebServer(Buffer.from('hello'))
    const run = await publish([`${server.url}/a.txt?X-Amz-Signature=4711`])
    await server.close()
    expect(run.exitCode).toBe(0)
    expect(run.err).toContain('warning: registered without an origin')
    expect(publish.registered[0]?.path).toBe('/api/v1/torrents')
    const everything = `${run.out}${run.err}${publish.registered[0]?.bytes.toString('latin1')}`
    expect(everything).not.toContain('4711')
  })

  it('does not register or print the user and password of a URL', async () => {
    const server = await aWebServer(Buffer.from('hello'))
    const { host } = new URL(server.url)
    const run = await publish([`http://me:sesame@${host}/a.txt`])
    await server.close()
    expect(run.exitCode).toBe(0)
    expect(publish.registered[0]?.path).toBe(
      `/api/v1/torrents?origin=${encodeURIComponent(`http://${host}/a.txt`)}`,
    )
    expect(`${run.out}${run.err}${publish.registered[0]?.bytes.toString('latin1')}`).not.toContain('sesame')
  })

  it('publishes from a server without ranges, and registers no origin', async () => {
    const content = Buffer.alloc(20_000_000, 'hello')
    const server = await aWebServer(content)
    onTestFinished(() => server.close())
    server.interfere = (_request, response) => {
      response.writeHead(200, { etag: '"one"', 'content-length': content.length }).end(content)
      return true
    }
    writeFileSync(at('same.bin'), content)
    const run = await publish([`${server.url}/same.bin`])
    expect(run).toMatchObject({ exitCode: 0, err: expect.stringContaining('[origin-without-ranges]') })
    expect(publish.registered.at(-1)?.path).toBe('/api/v1/torrents')
    const infoHash = /^infohash +([0-9a-f]{40})$/m
    expect(infoHash.exec(run.out)?.[1]).toBe(infoHash.exec((await publish([at('same.bin')])).out)?.[1])
  })

  describe('without a node', () => {
    const alone = (...args: string[]) => runCommand(['publish', ...args, '--url', 'http://127.0.0.1:1'])

    it('reports it before hashing', async () => {
      expect(await alone(at('no such file'))).toMatchObject({
        exitCode: 69,
        err: expect.stringContaining('siteswarm publish: no node responds at http://127.0.0.1:1'),
        out: '',
      })
    })

    it('writes the torrent to the given file, and exits with 69', async () => {
      const run = await alone(at('a.txt'), '-o', at('a.torrent'))
      expect(run.exitCode).toBe(69)
      expect(run.out).toContain(`written      ${at('a.torrent')}`)
      expect(run.err).toContain('the torrent is not registered: no node responds')
      expect(readMetainfo(readTorrent(), 'a').infoHashV1?.toString('hex')).toBe(INFO_HASH)
    })

    const readTorrent = () => readFileSync(at('a.torrent'))
  })

  it('writes nothing when it is interrupted', async () => {
    writeFileSync(at('large'), '')
    truncateSync(at('large'), 500_000_000)
    const abort = new AbortController()
    const run = await publish(
      [at('large'), '-o', at('large.torrent')],
      {},
      { signal: abort.signal, showStatus: () => abort.abort() },
    )
    expect(run).toMatchObject({ exitCode: 1, out: '' })
    expect(run.err).toContain('interrupted; nothing was written or registered')
    expect(readdirSync(folder).toSorted()).toEqual(['a.txt', 'large'])
    expect(publish.registered).toEqual([])
  })

  it('does not change an existing torrent if the source is missing', async () => {
    writeFileSync(at('a.torrent'), 'older')
    expect((await publish([at('none'), '-o', at('a.torrent')])).exitCode).toBe(1)
    expect(readFileSync(at('a.torrent'), 'utf8')).toBe('older')
  })

  it.each([
    [['none'], 1, 'no such file or folder; check the spelling'],
    [['empty'], 1, 'the folder contains no files'],
    [['ftp://host/x'], 1, 'ftp:// is not a supported source'],
    [['http://127.0.0.1:1/x'], 69, 'connection refused (ECONNREFUSED); check that the server is running'],
    [['a.txt', '--piece-length', '20KiB'], 64, 'write a power of two from 16KiB to 16MiB'],
    [['a.txt', '--piece-length', '65536'], 64, 'write a power of two from 16KiB to 16MiB'],
    [['a.txt', '--piece-length', '32MiB'], 64, 'write a power of two from 16KiB to 16MiB'],
    [['a.txt', '--web-seed', 'ftp://host/x'], 64, 'write http:// or https:// and a host'],
    [
      ['a.txt', '--web-seed', 'http://me:4711@host/x'],
      64,
      'everyone who has the torrent could read the user and password',
    ],
    [['a.txt', '--web-seed', 'http://host/x?sig=4711'], 64, 'could read a signature or token in the query'],
    [['a.txt', '--name', '../x'], 64, '--name "../x": it becomes a file name'],
    [['a.txt', '--name', ''], 64, '--name is empty; check the variable that it comes from'],
    [['a.txt', '--name', 'x'.repeat(256)], 1, 'the name has more than 255 bytes'],
    [['a.txt', '-o', '/nowhere/x.torrent'], 1, 'cannot write /nowhere/x.torrent'],
    [['.', '-o', 'x.torrent'], 1, 'is inside the published folder'],
    [[''], 64, 'an argument is empty; check the variable that it comes from'],
    [['a.txt', '-o', ''], 64, '--output is empty; check the variable that it comes from'],
    [['a.txt', '--web-seed', ''], 64, '--web-seed is empty; check the variable that it comes from'],
    [['a.txt', 'b.txt'], 64, 'too many arguments'],
    [['a.txt', '--nmae', 'x'], 64, "unknown option '--nmae'"],
    [[], 64, "missing required argument 'source'"],
  ])('rejects %j with exit code %i and one line', async (args, exitCode, message) => {
    mkdirSync(at('empty'))
    const isHere = (arg: string, index: number) =>
      (index === 0 || args[index - 1] === '-o') && !/^$|^\w+:|^\//.test(arg)
    const run = await publish(args.map((arg, index) => (isHere(arg, index) ? at(arg) : arg)))
    expect(run).toMatchObject({ exitCode, out: '' })
    expect(run.err.split('\n').find((line) => line !== '')).toContain(message)
    expect(run.err).not.toContain('4711')
    expect(publish.registered).toEqual([])
  })
})

describe('the progress of publishing', () => {
  const GIB = 1_073_741_824

  const startProgress = (showStatus?: (line: string) => void) => {
    let atMs = 0
    const lines: string[] = []
    const progress = new PublishProgress(4 * GIB, { err: (line) => lines.push(line), showStatus }, () => atMs)
    const update = (seconds: number, doneBytes: number) => {
      atMs = seconds * 1_000
      progress.update(doneBytes)
    }
    return { lines, update, progress }
  }

  it('is a line every ten seconds in a log', () => {
    const { lines, update } = startProgress()
    for (const seconds of [1, 5, 9.9]) update(seconds, GIB / 10)
    expect(lines).toEqual([])
    update(10, GIB)
    update(15, 1.2 * GIB)
    update(20, 2 * GIB)
    expect(lines).toEqual([
      'hashing  25 %  1 GiB of 4 GiB  102 MiB/s  0:30 left',
      'hashing  50 %  2 GiB of 4 GiB  102 MiB/s  0:20 left',
    ])
  })

  it('is a bar on a terminal, which is removed at the end', () => {
    const shown: string[] = []
    const { lines, update, progress } = startProgress((line) => shown.push(line))
    update(0.1, 1_000)
    update(1, GIB)
    progress.end()
    expect(shown).toEqual([
      'hashing [######------------------]  25 %  1 GiB of 4 GiB  1 GiB/s  0:03 left',
      '',
    ])
    expect(lines).toEqual([])
  })

  it('uses the rate of the last seconds, and reports a stall', () => {
    const { lines, update } = startProgress()
    update(10, 2 * GIB)
    for (const seconds of [20, 30, 40]) update(seconds, 2 * GIB)
    expect(lines.at(-1)).toBe('hashing  50 %  2 GiB of 4 GiB  0 B/s  stalled')
  })
})
