/** Tests of origins that are files or folders of this machine. */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openOrigin } from '../../../src/origin/open-origin.ts'

const signal = new AbortController().signal
const open = (reference: string) => openOrigin(reference, { environment: {}, signal })

describe('a file origin', () => {
  let folder: string
  const at = (name: string) => join(folder, name)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'siteswarm-origin-'))
    writeFileSync(at('file.bin'), 'abcdefghij')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('opens a file by path or by file URL', async () => {
    for (const reference of [at('file.bin'), `file://${at('file.bin')}`]) {
      expect(await open(reference)).toMatchObject({
        kind: 'file',
        reference: at('file.bin'),
        name: 'file.bin',
        isFolder: false,
        files: [{ path: [], sizeBytes: 10 }],
      })
    }
  })

  it('reads ranges', async () => {
    const origin = await open(at('file.bin'))
    expect((await buffer(origin.read(0, { startByte: 2, endByte: 5 }, signal))).toString()).toBe('cde')
    expect(await buffer(origin.read(0, { startByte: 10, endByte: 10 }, signal))).toHaveLength(0)
    const handle = await origin.openFile?.(0)
    expect(await handle?.readFile('utf8')).toBe('abcdefghij')
    await handle?.close()
  })

  it('is not read through a link out of its directory that appeared later', async () => {
    const within = realpathSync(folder)
    mkdirSync(at('served/all/sub'), { recursive: true })
    writeFileSync(at('served/all/sub/a'), 'abcdefghij')
    const origin = await openOrigin(at('served/all'), {
      environment: {},
      signal,
      within: join(within, 'served'),
    })
    expect((await buffer(origin.read(0, { startByte: 0, endByte: 10 }, signal))).toString()).toBe(
      'abcdefghij',
    )
    // The same file, with its inode, size and time, is outside now.
    renameSync(at('served/all/sub'), at('outside'))
    symlinkSync(at('outside'), at('served/all/sub'))
    await expect(buffer(origin.read(0, { startByte: 0, endByte: 10 }, signal))).rejects.toThrow(
      'leads out of',
    )
  })

  it('opens a folder with all files below it, sorted folder by folder as bytes', async () => {
    mkdirSync(at('all/a/b'), { recursive: true })
    mkdirSync(at('all/no files here'))
    for (const name of ['a.txt', 'a/z', 'a/b/c', 'Z', '.hidden', '￼', '𐀀', 'empty']) {
      writeFileSync(at(`all/${name}`), name === 'empty' ? '' : name)
    }
    symlinkSync(at('file.bin'), at('all/link'))
    const origin = await open(at('all'))
    expect([origin.name, origin.isFolder]).toEqual(['all', true])
    // In UTF-16 order the last two would be swapped.
    expect(origin.files.map(({ path, sizeBytes }) => [path.join('/'), sizeBytes])).toEqual([
      ['.hidden', 7],
      ['Z', 1],
      ['a/b/c', 5],
      ['a/z', 3],
      ['a.txt', 5],
      ['empty', 0],
      ['link', 10],
      ['￼', 3],
      ['𐀀', 4],
    ])
  })

  it.each([
    ['appended to', (path: string) => appendFileSync(path, 'k')],
    ['touched', (path: string) => utimesSync(path, 1_000_000_000, 1_000_000_000)],
    [
      'replaced',
      (path: string) => {
        writeFileSync(`${path}.new`, 'abcdefghij')
        renameSync(`${path}.new`, path)
      },
    ],
    ['truncated', (path: string) => writeFileSync(path, 'abc')],
  ])('reports a change when the file is %s', async (_case, change) => {
    const origin = await open(at('file.bin'))
    await origin.verifyUnchanged(0, signal)
    change(at('file.bin'))
    const message = `${at('file.bin')} changed while it was being read; try again when it is complete`
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ kind: 'changed', message })
    const stream = origin.read(0, { startByte: 0, endByte: 10 }, signal)
    await expect(buffer(stream)).rejects.toMatchObject({ kind: 'changed' })
    await expect(origin.openFile?.(0)).rejects.toMatchObject({ kind: 'changed' })
  })

  it('reports a removed file as missing', async () => {
    const origin = await open(at('file.bin'))
    rmSync(at('file.bin'))
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ kind: 'missing' })
  })

  it('has the same tag when it is opened again', async () => {
    const [first, second] = [await open(at('file.bin')), await open(at('file.bin'))]
    expect(first.files[0]?.tag).toBe(second.files[0]?.tag)
  })

  it.each([
    ['missing-file', 'missing', 'no such file or folder'],
    ['file.bin/x', 'missing', 'a part of the path is a file, not a folder'],
    ['empty-folder', 'unusable', 'the folder contains no files'],
    ['with-pipe', 'unusable', 'is not a regular file or a folder'],
    ['with-link', 'unusable', 'is a link to a folder outside of '],
    ['with-dangling', 'missing', 'with-dangling/link: the link has no target; remove it'],
    ['with-loop', 'unusable', 'the symbolic link points to itself; remove it'],
    ['with-cycle', 'unusable', 'with-cycle/a/up is a link to a folder that contains it; exclude it'],
    ['with-ring', 'unusable', 'is a link to a folder that contains it; exclude it'],
    ['with-latin1', 'unusable', 'the name is not valid UTF-8, which torrents require; rename it'],
  ])('rejects %s', async (name, kind, message) => {
    for (const made of [
      'empty-folder',
      'with-pipe',
      'with-link',
      'with-dangling',
      'with-latin1',
      'with-loop',
    ])
      mkdirSync(at(made))
    for (const made of ['with-cycle/a', 'with-ring/a', 'with-ring/b'])
      mkdirSync(at(made), { recursive: true })
    symlinkSync('link', at('with-loop/link'))
    symlinkSync('..', at('with-cycle/a/up'))
    symlinkSync('../b', at('with-ring/a/to-b'))
    symlinkSync('../a', at('with-ring/b/to-a'))
    execFileSync('mkfifo', [at('with-pipe/pipe')])
    symlinkSync(folder, at('with-link/link'))
    symlinkSync(at('nowhere'), at('with-dangling/link'))
    writeFileSync(Buffer.concat([Buffer.from(at('with-latin1/')), Buffer.from([0xe9])]), '')
    await expect(open(at(name))).rejects.toMatchObject({ kind, message: expect.stringContaining(message) })
  })

  it('follows links inside the folder, as in a root file system, and reports what is there twice', async () => {
    mkdirSync(at('root/usr/lib'), { recursive: true })
    writeFileSync(at('root/usr/lib/a.so.1'), 'aaaa')
    symlinkSync('a.so.1', at('root/usr/lib/a.so'))
    symlinkSync('usr/lib', at('root/lib'))
    symlinkSync('lib', at('root/lib64'))
    symlinkSync(at('file.bin'), at('root/outside'))
    const origin = await open(at('root'))
    expect(origin.files.map(({ path, sizeBytes }) => [path.join('/'), sizeBytes])).toEqual([
      ['lib/a.so', 4],
      ['lib/a.so.1', 4],
      ['lib64/a.so', 4],
      ['lib64/a.so.1', 4],
      ['outside', 10],
      ['usr/lib/a.so', 4],
      ['usr/lib/a.so.1', 4],
    ])
    expect(origin.warnings).toEqual([
      {
        code: 'links-followed',
        message:
          '5 files (20 bytes) are in the torrent twice, because links inside the folder lead to them; ' +
          'publish a tar archive to keep the links',
      },
    ])
    expect((await buffer(origin.read(2, { startByte: 1, endByte: 3 }, signal))).toString()).toBe('aa')
  })

  it('has no warnings about links that lead to files elsewhere, as those of a download cache', async () => {
    mkdirSync(at('snapshot'))
    symlinkSync(at('file.bin'), at('snapshot/model.bin'))
    expect((await open(at('snapshot'))).warnings).toEqual([])
  })

  it('rejects links that leave the folder within which it has to stay', async () => {
    mkdirSync(at('images/tree'), { recursive: true })
    writeFileSync(at('images/shared'), 'x')
    symlinkSync('../shared', at('images/tree/a'))
    const options = { environment: {}, signal, within: realpathSync(at('images')) }
    expect((await openOrigin(at('images/tree'), options)).files).toHaveLength(1)
    symlinkSync(at('file.bin'), at('images/tree/b'))
    await expect(openOrigin(at('images/tree'), options)).rejects.toMatchObject({
      kind: 'unusable',
      message: expect.stringMatching(/tree\/b is a link that leads out of .*images$/),
    })
  })

  it('resolves a relative path', async () => {
    const origin = await open('package.json')
    expect(basename(origin.reference)).toBe('package.json')
    expect(origin.reference).toMatch(/^\//)
  })
})
