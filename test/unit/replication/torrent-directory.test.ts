import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { ConfigError, InputError } from '../../../src/core/errors.ts'
import { TorrentDirectory } from '../../../src/replication/torrent-directory.ts'
import type { RegisteredTorrent } from '../../../src/replication/site-store.ts'
import { aDirectory } from '../../a-node.ts'

const DAY_MS = 86_400_000
const HASH_A = Buffer.alloc(20, 'a').toString('latin1')

async function aTorrentDirectory(settings: { readonly isRequired?: boolean } = {}) {
  const clock = new ManualClock()
  const directory = join(await aDirectory(), 'torrents')
  const warnings: string[] = []
  const open = () =>
    new TorrentDirectory({
      directory,
      // A torrent is one letter here, and its infohash is that letter repeated.
      describe: (bytes, path) => {
        if (bytes.length !== 1) throw new InputError(`${path}: not a torrent`)
        return { infoHashes: [Buffer.alloc(20, bytes)], name: `of ${bytes.toString()}`, sizeBytes: 7 }
      },
      isRequired: settings.isRequired ?? false,
      clock,
      log: {
        debug: () => {},
        info: () => {},
        warn: ({ problem }) => warnings.push(String(problem)),
        error: () => {},
      },
    })
  return { directory, warnings, open, clock }
}

const registered: RegisteredTorrent = {
  infoHashes: [Buffer.alloc(20, 'a')],
  name: 'image.iso',
  sizeBytes: 5,
  registeredAtMs: 1_700_000_000_000,
  note: '{}',
}

function namesOf(torrents: TorrentDirectory): string[] {
  return torrents
    .list()
    .map(({ name }) => name)
    .toSorted()
}

it('serves torrents that were added to the directory by hand, once it is read again', async () => {
  const { directory, open } = await aTorrentDirectory()
  const torrents = open()
  await torrents.reload()
  expect(torrents.list()).toEqual([])
  await mkdir(directory)
  await writeFile(join(directory, 'my image.torrent'), 'a')
  await torrents.reload()
  expect(torrents.list().map(({ name, note }) => [name, note])).toEqual([['of a', '']])
  expect(await torrents.read(Buffer.alloc(20, 'a'))).toEqual(Buffer.from('a'))
  await rm(join(directory, 'my image.torrent'))
  await torrents.reload()
  expect(torrents.has(Buffer.alloc(20, 'a'))).toBe(false)
})

it('logs a file that is not a torrent, and serves the others', async () => {
  const { directory, open, warnings } = await aTorrentDirectory()
  await mkdir(directory)
  await writeFile(join(directory, 'broken.torrent'), 'not one')
  await writeFile(join(directory, 'good.torrent'), 'b')
  const torrents = open()
  await torrents.reload()
  expect(torrents.list().map(({ name }) => name)).toEqual(['of b'])
  expect(warnings).toEqual([`${join(directory, 'broken.torrent')}: not a torrent`])
})

it('keeps a description beside a torrent, and both over a restart', async () => {
  const { directory, open } = await aTorrentDirectory()
  await open().put(registered, Buffer.from('a'))
  expect((await readdir(directory)).sort()).toEqual([`${'61'.repeat(20)}.json`, `${'61'.repeat(20)}.torrent`])
  const after = open()
  await after.reload()
  expect(after.list()).toEqual([registered])
})

it('replaces a file with the same torrent and another name', async () => {
  const { directory, open } = await aTorrentDirectory()
  await mkdir(directory)
  await writeFile(join(directory, 'by hand.torrent'), 'a')
  const torrents = open()
  await torrents.reload()
  await torrents.put(registered, Buffer.from('a'))
  expect((await readdir(directory)).sort()).toEqual([`${'61'.repeat(20)}.json`, `${'61'.repeat(20)}.torrent`])
  expect(torrents.list()).toEqual([registered])
})

it('ignores a description that it cannot parse', async () => {
  const { directory, open } = await aTorrentDirectory()
  await open().put(registered, Buffer.from('a'))
  await writeFile(join(directory, `${'61'.repeat(20)}.json`), '{"infoHashes":["00"]}')
  const after = open()
  await after.reload()
  expect(after.list().map(({ name }) => name)).toEqual(['of a'])
})

it('creates a required directory that is missing', async () => {
  const { directory, open } = await aTorrentDirectory({ isRequired: true })
  await open().reload()
  expect(await readdir(directory)).toEqual([])
})

it('a required directory that cannot be created is a configuration error', async () => {
  const { directory, open } = await aTorrentDirectory({ isRequired: true })
  await writeFile(directory, 'a file of that name')
  await expect(open().reload()).rejects.toThrow(ConfigError)
})

it('keeps its torrents when the directory disappears, such as with an unmounted disk', async () => {
  for (const isRequired of [true, false]) {
    const { directory, open, warnings } = await aTorrentDirectory({ isRequired })
    const torrents = open()
    await torrents.put(registered, Buffer.from('a'))
    await rm(directory, { recursive: true })
    await torrents.reload()
    expect(torrents.list()).toEqual([registered])
    expect([...torrents.removals()]).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('ENOENT')])
  }
})

it('records the removal of a file that was deleted by hand', async () => {
  const { directory, open, clock } = await aTorrentDirectory()
  await mkdir(directory)
  await writeFile(join(directory, 'image.torrent'), 'a')
  const torrents = open()
  await torrents.reload()
  await rm(join(directory, 'image.torrent'))
  await torrents.reload()
  expect([...torrents.removals()]).toEqual([[HASH_A, clock.nowMs()]])
})

it('keeps removals over a restart, for 90 days', async () => {
  const { open, clock } = await aTorrentDirectory()
  await open().remove(Buffer.alloc(20, 'a'))
  const removedAtMs = clock.nowMs()

  clock.advanceMs(90 * DAY_MS)
  const later = open()
  await later.reload()
  expect([...later.removals()]).toEqual([[HASH_A, removedAtMs]])

  clock.advanceMs(1)
  const afterwards = open()
  await afterwards.reload()
  expect([...afterwards.removals()]).toEqual([])
})

it('keeps the last ten thousand removals', async () => {
  const { directory, open, clock } = await aTorrentDirectory()
  await mkdir(directory)
  const hex = (torrent: number) => torrent.toString(16).padStart(40, '0')
  const all = Array.from({ length: 10_001 }, (_, torrent) => [hex(torrent), clock.nowMs()])
  await writeFile(join(directory, '.removed.json'), JSON.stringify(all))
  const torrents = open()
  await torrents.reload()
  expect(torrents.removals().size).toBe(10_000)
  expect(torrents.removals().has(Buffer.from(hex(0), 'hex').toString('latin1'))).toBe(false)
})

it('registers a file that is added, at the next poll', async () => {
  const { directory, open, clock } = await aTorrentDirectory()
  const torrents = open()
  await torrents.open()
  await torrents.poll()
  clock.advanceMs(3_600_000)
  await writeFile(join(directory, 'my image.torrent'), 'a')
  await torrents.poll()
  expect(torrents.list().map(({ name }) => name)).toEqual(['of a'])
})

it('after a registration, finds a file that was added in the same moment within a minute, and reads no other one', async () => {
  const { directory, open, clock } = await aTorrentDirectory()
  const torrents = open()
  await torrents.open()
  await writeFile(join(directory, 'known.torrent'), 'k')
  await torrents.poll()
  clock.advanceMs(3_600_000)
  await torrents.poll()
  await torrents.put(registered, Buffer.from('a'))
  // The time of the directory does not show the addition.
  const reference = join(await aDirectory(), 'reference')
  execFileSync('touch', ['-r', directory, reference])
  await writeFile(join(directory, 'my image.torrent'), 'b')
  await writeFile(join(directory, 'known.torrent'), 'z')
  execFileSync('touch', ['-r', reference, directory])
  clock.advanceMs(59_999)
  await torrents.poll()
  expect(namesOf(torrents)).toEqual(['image.iso', 'of k'])
  clock.advanceMs(1)
  await torrents.poll()
  expect(namesOf(torrents)).toEqual(['image.iso', 'of b', 'of k'])
})

it('registers a file that is written slowly once it is complete, without a warning', async () => {
  const { directory, open, clock, warnings } = await aTorrentDirectory()
  const torrents = open()
  await torrents.open()
  for (const content of ['', 'not', 'not yet', 'not yet complete']) {
    await writeFile(join(directory, 'slow.torrent'), content)
    clock.advanceMs(50_000)
    await torrents.poll()
  }
  expect([torrents.list(), warnings]).toEqual([[], []])
  await writeFile(join(directory, 'slow.torrent'), 'a')
  clock.advanceMs(50_000)
  await torrents.poll()
  expect(torrents.list().map(({ name }) => name)).toEqual(['of a'])
})

it('reports a file that is not a torrent once, when it does not grow any more', async () => {
  const { directory, open, clock, warnings } = await aTorrentDirectory()
  const torrents = open()
  await torrents.open()
  await writeFile(join(directory, 'broken.torrent'), 'not one')
  for (let poll = 0; poll < 5; poll++) {
    clock.advanceMs(2_000)
    await torrents.poll()
  }
  expect(warnings).toEqual([`${join(directory, 'broken.torrent')}: not a torrent`])
})

it('keeps a torrent whose file is gone until a reload', async () => {
  const { directory, open, clock } = await aTorrentDirectory()
  const torrents = open()
  await torrents.open()
  await writeFile(join(directory, 'a.torrent'), 'a')
  await torrents.poll()
  await rm(join(directory, 'a.torrent'))
  clock.advanceMs(2_000)
  await torrents.poll()
  expect([torrents.list().length, torrents.removals().size]).toEqual([1, 0])
  await torrents.reload()
  expect([torrents.list().length, torrents.removals().size]).toEqual([0, 1])
})

it('reports at start that torrents cannot be written, and what to do, and serves those that are there', async () => {
  const { directory, open, warnings } = await aTorrentDirectory()
  await writeFile(directory, 'a file')
  const torrents = open()
  await torrents.open()
  const problem = `torrents cannot be written to ${directory} (EEXIST); let the user of the node write there, or set torrents.directory`
  expect(warnings).toEqual([problem])
  await expect(torrents.put(registered, Buffer.from('a'))).rejects.toThrow(new InputError(problem))
})

it('leaves no file behind when it tries to write', async () => {
  const { directory, open } = await aTorrentDirectory()
  await open().open()
  expect(await readdir(directory)).toEqual([])
})

it('a copy of a registered torrent that is added does not replace it', async () => {
  const { directory, open, clock } = await aTorrentDirectory()
  const torrents = open()
  await torrents.open()
  await torrents.put(registered, Buffer.from('a'))
  await writeFile(join(directory, 'zz downloaded.torrent'), 'a')
  clock.advanceMs(2_000)
  await torrents.poll()
  expect(torrents.list()).toEqual([registered])
  expect(torrents.addedByHand()).toEqual([])
  await torrents.reload()
  expect(torrents.list()).toEqual([registered])
})

it('removes a torrent with all its copies', async () => {
  const { directory, open } = await aTorrentDirectory()
  const torrents = open()
  await torrents.open()
  await torrents.put(registered, Buffer.from('a'))
  await writeFile(join(directory, 'copy.torrent'), 'a')
  await writeFile(join(directory, 'other.torrent'), 'b')
  await torrents.reload()
  expect(await torrents.remove(Buffer.alloc(20, 'a'))).toBe(true)
  await torrents.reload()
  expect(torrents.list().map(({ name }) => name)).toEqual(['of b'])
})
