/** Files and folders of this machine as sources of content. */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
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

  it('is a file, by its path or as a URL', async () => {
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

  it('is a folder, with all files below it, sorted folder by folder as bytes', async () => {
    mkdirSync(at('all/a/b'), { recursive: true })
    mkdirSync(at('all/no files here'))
    for (const name of ['a.txt', 'a/z', 'a/b/c', 'Z', '.hidden', '￼', '𐀀', 'empty']) {
      writeFileSync(at(`all/${name}`), name === 'empty' ? '' : name)
    }
    symlinkSync(at('file.bin'), at('all/link'))
    const origin = await open(at('all'))
    expect([origin.name, origin.isFolder]).toEqual(['all', true])
    // As UTF-16 the last two would change places.
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
    ['written into', (path: string) => appendFileSync(path, 'k')],
    ['touched', (path: string) => utimesSync(path, 1_000_000_000, 1_000_000_000)],
    [
      'replaced',
      (path: string) => {
        writeFileSync(`${path}.new`, 'abcdefghij')
        renameSync(`${path}.new`, path)
      },
    ],
    ['cut', (path: string) => writeFileSync(path, 'abc')],
  ])('is changed when it is %s', async (_what, change) => {
    const origin = await open(at('file.bin'))
    await origin.verifyUnchanged(0, signal)
    change(at('file.bin'))
    const message = `${at('file.bin')} was changed while it was read; begin again when it is complete`
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ trouble: 'changed', message })
    const stream = origin.read(0, { startByte: 0, endByte: 10 }, signal)
    await expect(buffer(stream)).rejects.toMatchObject({ trouble: 'changed' })
    await expect(origin.openFile?.(0)).rejects.toMatchObject({ trouble: 'changed' })
  })

  it('is gone when it was removed', async () => {
    const origin = await open(at('file.bin'))
    rmSync(at('file.bin'))
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ trouble: 'missing' })
  })

  it('keeps its tag for whoever opens it again', async () => {
    const [first, second] = [await open(at('file.bin')), await open(at('file.bin'))]
    expect(first.files[0]?.tag).toBe(second.files[0]?.tag)
  })

  it.each([
    ['none', 'missing', 'no such file or folder'],
    ['file.bin/x', 'missing', 'a part of the path is a file and no folder'],
    ['empty-folder', 'unusable', 'there is no file in this folder'],
    ['with-pipe', 'unusable', 'is neither a file nor a folder'],
    ['with-link', 'unusable', 'is a link to a folder, and may lead anywhere'],
    ['with-dangling', 'missing', 'no such file or folder'],
    ['with-latin1', 'unusable', 'the name is not UTF-8, which torrents need; rename it'],
  ])('says what is wrong with %s', async (name, trouble, message) => {
    for (const made of ['empty-folder', 'with-pipe', 'with-link', 'with-dangling', 'with-latin1']) {
      mkdirSync(at(made))
    }
    execFileSync('mkfifo', [at('with-pipe/pipe')])
    symlinkSync(folder, at('with-link/link'))
    symlinkSync(at('nowhere'), at('with-dangling/link'))
    writeFileSync(Buffer.concat([Buffer.from(at('with-latin1/')), Buffer.from([0xe9])]), '')
    await expect(open(at(name))).rejects.toMatchObject({ trouble, message: expect.stringContaining(message) })
  })

  it('may be named relative to where one is', async () => {
    const origin = await open('package.json')
    expect(basename(origin.reference)).toBe('package.json')
    expect(origin.reference).toMatch(/^\//)
  })
})
