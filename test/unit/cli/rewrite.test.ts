import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../a-command-run.ts'
import { AWKWARD_INFO_HASH, PLAIN_TORRENT } from '../../a-torrent.ts'

const TOPOLOGY = `
sites:
  fra:
    cidrs: [10.1.0.0/16]
    trackers: [http://s1a.example.net:6969/announce, http://s1b.example.net:6969/announce]
    bubbles:
      row-a: { cidrs: [10.1.1.0/24] }
      row-b: { cidrs: [10.1.2.0/24], trackers: [http://row-b.example.net:6969/announce] }
  ams: { cidrs: [10.2.0.0/16] }
fallback:
  trackers: [http://s2a.example.net:6969/announce]
`

const MAGNET = `magnet:?xt=urn:btih:${AWKWARD_INFO_HASH}&dn=a`

let folder: string
let topology: string
let torrent: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-rewrite-'))
  topology = join(folder, 'topology.yaml')
  torrent = join(folder, 'debian.torrent')
  writeFileSync(topology, TOPOLOGY)
  writeFileSync(torrent, PLAIN_TORRENT)
})
afterEach(() => rmSync(folder, { recursive: true }))

type Given = Parameters<typeof runCommand>[1]
const rewrite = async (argv: readonly string[], given?: Given) =>
  runCommand(['rewrite', ...argv, '--topology', topology], given)

const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')

describe('rewrite for a site', () => {
  it('writes the torrent to standard output when that is a pipe', async () => {
    const run = await rewrite([torrent, '--site', 'fra'])
    expect([run.exitCode, run.out, run.outBytes.length]).toEqual([0, '', 359])
    expect(sha1(run.outBytes)).toBe('14977eba864f95e9dd48f47d8814baa4859edfec')
  })

  it('writes no bytes to a terminal without -o -', async () => {
    const run = await rewrite([torrent, '--site', 'fra'], { isTerminal: true })
    expect([run.exitCode, run.out, run.outBytes.length]).toEqual([64, '', 0])
    expect(run.err).toBe(
      'siteswarm rewrite: a torrent is binary and the output is a terminal: write it with -o FILE, or pipe it\n',
    )
    expect((await rewrite([torrent, '--site', 'fra', '-o', '-'], { isTerminal: true })).outBytes.length).toBe(
      359,
    )
  })

  it('writes a file, prints its name, and warns on standard error', async () => {
    const file = join(folder, 'out.torrent')
    const run = await rewrite([torrent, '--site', 'fra', '-o', file], { isTerminal: true })
    expect(run.exitCode).toBe(0)
    expect(sha1(readFileSync(file))).toBe('14977eba864f95e9dd48f47d8814baa4859edfec')
    expect(run.out).toBe(
      `${file}  7faf75b2447f88700c68f1eceda713cd90a0127a  ` +
        'http://s1a.example.net:6969/announce http://s1b.example.net:6969/announce | ' +
        'http://s2a.example.net:6969/announce\n',
    )
    expect(run.err.split('\n').map((line) => line.slice(0, 21))).toEqual([
      'warning: not private:',
      'warning: has web seed',
      '',
    ])
  })

  it('can overwrite its input with -o', async () => {
    await rewrite([torrent, '--site', 'fra', '-o', torrent])
    expect(sha1(readFileSync(torrent))).toBe('14977eba864f95e9dd48f47d8814baa4859edfec')
  })

  it('prints one JSON document, with the torrent in a file', async () => {
    const file = join(folder, 'out.torrent')
    const run = await rewrite([torrent, '--site', 'ams', '-o', file, '--json'])
    expect(JSON.parse(run.out)).toMatchObject({
      kind: 'torrent',
      infoHashV1: '7faf75b2447f88700c68f1eceda713cd90a0127a',
      infoHashV2: null,
      site: 'ams',
      bubble: '-',
      tiers: [['http://s2a.example.net:6969/announce']],
      file,
      warnings: [{ code: 'not-private' }, { code: 'web-seeds' }],
    })
    expect(run.err).toBe('')
    expect((await rewrite([torrent, '--site', 'ams', '--json'])).exitCode).toBe(64)
  })

  it('puts the trackers of the bubble first', async () => {
    const tiersFor = async (bubble: string) => {
      const run = await rewrite([MAGNET, '--site', 'fra', '--bubble', bubble, '--json'])
      return (JSON.parse(run.out) as { tiers: string[][] }).tiers.map((tier) => tier.length)
    }
    expect(await tiersFor('row-a')).toEqual([2, 1])
    expect(await tiersFor('row-b')).toEqual([1, 2, 1])
  })
})

describe('rewrite with other web seeds', () => {
  const WITHOUT = 'd8:announce36:http://s2a.example.net:6969/announce'
  const bytesWith = async (...flags: string[]) =>
    (await rewrite([torrent, '--site', 'ams', ...flags])).outBytes.toString()

  it('replaces those that the torrent has', async () => {
    const bytes = await bytesWith(
      '--web-seed',
      'http://a/',
      '--web-seed',
      'http://b/',
      '--web-seed',
      'http://a/',
    )
    expect(bytes.startsWith(WITHOUT)).toBe(true)
    expect(bytes.endsWith('8:url-listl9:http://a/9:http://b/ee')).toBe(true)
  })

  it('removes them on request, and then does not warn of them', async () => {
    expect(await bytesWith('--no-web-seeds')).not.toContain('url-list')
    expect(await bytesWith()).toContain('8:url-list27:http://mirror.example.org/f')
    const run = await rewrite([torrent, '--site', 'ams', '--no-web-seeds'])
    expect(run.err.match(/\[[a-z-]+\]/g)).toEqual(['[not-private]'])
  })

  it('removes the DHT nodes on request', async () => {
    writeFileSync(
      torrent,
      `${PLAIN_TORRENT.toString('latin1', 0, PLAIN_TORRENT.length - 1)}5:nodesll1:ai1eeee`,
      'latin1',
    )
    expect(await bytesWith('--no-nodes')).not.toContain('nodes')
    expect(await bytesWith()).toContain('5:nodesll1:ai1eee')
  })

  it('replaces those of a magnet, in every file of --all', async () => {
    const magnet = `${MAGNET}&ws=http%3A%2F%2Fold`
    await rewrite([magnet, '--all', '-d', folder, '--web-seed', 'http://new/?signature=1'])
    expect(readFileSync(join(folder, `${AWKWARD_INFO_HASH}.fra.row-b.magnet`), 'utf8')).toContain(
      '&dn=a&ws=http%3A%2F%2Fnew%2F%3Fsignature%3D1&tr=',
    )
  })
})

describe('rewrite of a magnet', () => {
  it('refuses one that was copied out of HTML, because its trackers would stay', async () => {
    const magnet = `magnet:?xt=urn:btih:${AWKWARD_INFO_HASH}&amp;tr=http%3A%2F%2Fforeign.example%2Fannounce`
    const run = await rewrite([magnet, '--site', 'ams'])
    expect([run.exitCode, run.out]).toEqual([1, ''])
    expect(run.err).toContain('siteswarm: the magnet was copied out of HTML')
  })

  it('prints it, also on a terminal', async () => {
    const run = await rewrite([MAGNET, '--site', 'ams'], { isTerminal: true })
    expect([run.exitCode, run.out]).toEqual([
      0,
      `${MAGNET}&tr=http%3A%2F%2Fs2a.example.net%3A6969%2Fannounce\n`,
    ])
  })
})

describe('rewrite for all', () => {
  it('writes a file for each site and bubble', async () => {
    const directory = join(folder, 'new', 'torrents')
    const run = await rewrite([torrent, '--all', '-d', directory])
    expect(run.exitCode).toBe(0)
    expect(readdirSync(directory)).toEqual([
      'debian.ams.torrent',
      'debian.fra.row-a.torrent',
      'debian.fra.row-b.torrent',
      'debian.fra.torrent',
    ])
    expect(sha1(readFileSync(join(directory, 'debian.fra.torrent')))).toBe(
      '14977eba864f95e9dd48f47d8814baa4859edfec',
    )
    expect(run.out.split('\n')).toHaveLength(5)
    expect(run.out).toContain(`${directory}/debian.ams.torrent  http://s2a.example.net:6969/announce\n`)
  })

  it('prints one JSON document with all of them', async () => {
    const directory = join(folder, 'out')
    const run = await rewrite([MAGNET, '--all', '-d', directory, '--json'])
    const { files } = JSON.parse(run.out) as { files: { site: string; bubble: string; file: string }[] }
    expect(files.map(({ site, bubble, file }) => [site, bubble, file])).toEqual([
      ['fra', '-', `${directory}/${AWKWARD_INFO_HASH}.fra.magnet`],
      ['fra', 'row-a', `${directory}/${AWKWARD_INFO_HASH}.fra.row-a.magnet`],
      ['fra', 'row-b', `${directory}/${AWKWARD_INFO_HASH}.fra.row-b.magnet`],
      ['ams', '-', `${directory}/${AWKWARD_INFO_HASH}.ams.magnet`],
    ])
    expect(readFileSync(`${directory}/${AWKWARD_INFO_HASH}.ams.magnet`, 'utf8')).toBe(
      `${MAGNET}&tr=http%3A%2F%2Fs2a.example.net%3A6969%2Fannounce\n`,
    )
  })

  it('never overwrites its input', async () => {
    mkdirSync(join(folder, 'out'))
    linkSync(torrent, join(folder, 'out', 'debian.ams.torrent'))
    const run = await rewrite([torrent, '--all', '-d', join(folder, 'out')])
    expect([run.exitCode, run.out, run.err]).toEqual([
      1,
      '',
      `siteswarm: ${folder}/out/debian.ams.torrent is the input torrent under another name; ` +
        'choose another folder, or remove the link\n',
    ])
    expect(readdirSync(join(folder, 'out'))).toEqual(['debian.ams.torrent'])
    expect(readFileSync(torrent).equals(PLAIN_TORRENT)).toBe(true)
  })

  it('overwrites its earlier output with the same bytes', async () => {
    const directory = join(folder, 'out')
    const contents = () => readdirSync(directory).map((name) => sha1(readFileSync(join(directory, name))))
    await rewrite([torrent, '--all', '-d', directory])
    const before = contents()
    await rewrite([torrent, '--all', '-d', directory])
    expect(contents()).toEqual(before)
  })

  it('writes no file when two places would share one', async () => {
    writeFileSync(topology, TOPOLOGY.replace('  ams:', '  fra.row-a:'))
    const run = await rewrite([torrent, '--all', '-d', join(folder, 'out')])
    expect([run.exitCode, run.err]).toEqual([
      78,
      'siteswarm: two places would both be written to debian.fra.row-a.torrent; rename one in the topology file\n',
    ])
    expect(readdirSync(folder).toSorted()).toEqual(['debian.torrent', 'topology.yaml'])
  })
})

describe('rewrite reports a problem', () => {
  it.each([
    [[], 'name the site: --site NAME, or --all -d DIR for every site'],
    [['--bubble', 'row-a'], 'name the site'],
    [['--site', 'fra', '-d', 'x'], '-d goes with --all; write one file with -o'],
    [['--all'], '--all writes many files: name a folder with -d DIR'],
    [['--all', '-d', 'x', '--site', 'fra'], '--all goes with -d only'],
    [['--all', '-d', 'x', '-o', 'y'], '--all goes with -d only'],
    [['--site', 'fra', '--no-web-seeds', '--web-seed', 'http://a/'], '--web-seed replaces the web seeds'],
    [['--site', 'fra', '--web-seed', 'ftp://a/'], '"ftp://a/" is not a web seed'],
    [['--site', 'fra', '--web-seed', 'http://a/b c'], '"http://a/b c" is not a web seed'],
    [['--site', 'par'], 'the topology has no site "par"; it has fra, ams'],
    [['--site', 'fra', '--bubble', 'row-c'], 'site fra has no bubble "row-c"; it has row-a, row-b'],
    [['--site', 'ams', '--bubble', 'row-a'], 'site ams has no bubble "row-a"; it has none'],
  ])('in the usage, with 64: %j', async (flags, message) => {
    const run = await rewrite([torrent, ...flags])
    expect([run.exitCode, run.out, run.outBytes.length]).toEqual([64, '', 0])
    expect(run.err).toContain(`siteswarm rewrite: ${message}`)
  })

  it.each([
    ['another kind of file', 'not a torrent', 'byte 0: a torrent is a bencoded dictionary'],
    ['cut short', 'd4:infod4:name5:a.t', 'byte 14: a string of 5 bytes begins here, and only 3 follow'],
    ['a dictionary with a number for a key', 'd4:infodei1ei2ee', 'byte 9: a dictionary key must be a string'],
    ['an impossible length', 'd4:info999999999999999999999:e', 'byte 7: a string is longer than the file'],
    ['an empty dictionary', 'de', 'byte 1: the dictionary has no `info`'],
    [
      'an empty `info`',
      'd4:infodee',
      'byte 7: no client downloads this: `piece length` is not a positive number, it has no `pieces`',
    ],
    ['a number without digits', 'd1:aie4:infodee', 'byte 4: an integer has no digits'],
    ['two torrents in one file', 'd4:infodeed4:infodee', 'byte 10: the torrent ends at byte 10'],
    [
      'nested without end',
      `d4:info${'d1:x'.repeat(200)}`,
      'byte 403: lists and dictionaries are nested more than 100',
    ],
  ])('in the torrent, with 1, one line and the byte, and writes no file: %s', async (_, content, message) => {
    writeFileSync(torrent, content)
    for (const flags of [
      ['--site', 'fra', '-o', join(folder, 'out.torrent')],
      ['--all', '-d', join(folder, 'out')],
    ]) {
      const run = await rewrite([torrent, ...flags])
      expect([run.exitCode, run.out, run.err.split('\n').length]).toEqual([1, '', 2])
      expect(run.err).toContain(`siteswarm: ${torrent}, ${message}`)
      expect(readdirSync(folder).toSorted()).toEqual(['debian.torrent', 'topology.yaml'])
    }
  })

  it.each(['/proc/x', '/proc/self/fd/x/y'])(
    'in the folder %s, which cannot hold another, with 1',
    async (path) => {
      expect(await rewrite([torrent, '--all', '-d', path])).toMatchObject({
        exitCode: 1,
        out: '',
        err: expect.stringContaining(
          `siteswarm: cannot make the folder ${path}: this file system cannot hold it; choose another place\n`,
        ),
      })
    },
  )

  it('in the topology, with 78', async () => {
    writeFileSync(topology, 'sites: { fra: { cidr: [10.1.0.0/16] } }')
    const run = await rewrite([torrent, '--site', 'fra'])
    expect(run.exitCode).toBe(78)
    expect(run.err).toContain('topology.yaml:1:')
  })

  it('in a topology without trackers, with 78', async () => {
    writeFileSync(topology, 'sites: { fra: { cidrs: [10.1.0.0/16] } }')
    for (const flags of [
      ['--site', 'fra'],
      ['--all', '-d', join(folder, 'out')],
    ]) {
      const run = await rewrite([torrent, ...flags])
      expect([run.exitCode, run.outBytes.length]).toEqual([78, 0])
      expect(run.err).toContain('the topology names no tracker for site fra, neither its own nor a fallback')
    }
  })
})

describe('the topology of rewrite', () => {
  it('can come from the environment', async () => {
    const run = await runCommand(['rewrite', torrent, '--site', 'fra'], {
      environment: { SITESWARM_TOPOLOGY: topology },
    })
    expect(run.outBytes.length).toBe(359)
  })

  it('is the sample by default, and rewrite reports it', async () => {
    const run = await runCommand(['rewrite', MAGNET, '--site', 'nowhere'])
    expect(run.exitCode).toBe(64)
    expect(run.err).toContain('using the sample topology; name yours with --topology FILE\n')
    expect(run.err).toContain('the topology has no site "nowhere"; it has ')
  })
})
