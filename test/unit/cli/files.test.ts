import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isSameFile, makeFolder, readWholeFile, writeWholeFile } from '../../../src/cli/files.ts'
import { InputError } from '../../../src/core/errors.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const at = (name: string) => join(folder, name)

describe('writing a file', () => {
  it('leaves the file and no temporary one', () => {
    writeWholeFile(at('a'), Buffer.from('bytes'))
    writeWholeFile(at('a'), 'other')
    expect(readdirSync(folder)).toEqual(['a'])
    expect(readFileSync(at('a'), 'utf8')).toBe('other')
  })

  it('writes parts in sequence', () => {
    writeWholeFile(at('a'), [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')])
    expect(readFileSync(at('a'), 'utf8')).toBe('one two')
  })

  it('keeps its permissions', () => {
    writeFileSync(at('a'), 'old')
    chmodSync(at('a'), 0o600)
    writeWholeFile(at('a'), 'new')
    expect(statSync(at('a')).mode & 0o777).toBe(0o600)
  })

  it('writes through a link and keeps the link', () => {
    writeFileSync(at('a'), 'old')
    symlinkSync('a', at('link'))
    writeWholeFile(at('link'), 'new')
    expect(readFileSync(at('a'), 'utf8')).toBe('new')
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true)
  })

  it('writes into a device and does not replace it', () => {
    writeWholeFile('/dev/null', 'gone')
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  it.each([
    ['/dev/full', 'cannot write /dev/full: the disk is full; make room or choose another place'],
    ['.', 'this is a folder; name a file in it'],
    ['missing/a', 'no such file or folder; check the spelling'],
    ['file/a', 'a part of the path is a file and not a folder; check the spelling'],
    ['x'.repeat(256), 'the name is too long for the file system; choose a shorter one'],
  ])('to %s reports the reason of the failure', (path, message) => {
    writeFileSync(at('file'), '')
    const target = path.startsWith('/') ? path : join(folder, path)
    expect(() => writeWholeFile(target, 'text')).toThrow(InputError)
    expect(() => writeWholeFile(target, 'text')).toThrow(message)
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('does not overwrite the unfinished file of another process', () => {
    writeFileSync(at(`a.${process.pid}.unfinished`), 'theirs')
    expect(() => writeWholeFile(at('a'), 'ours')).toThrow('an unfinished file of this name exists')
    expect(readFileSync(at(`a.${process.pid}.unfinished`), 'utf8')).toBe('theirs')
  })
})

describe('making a folder', () => {
  it('creates its parents, and accepts an existing folder', async () => {
    await makeFolder(at('x/y'))
    await makeFolder(at('x/y'))
    expect(statSync(at('x/y')).isDirectory()).toBe(true)
  })

  it.each([
    ['FOLDER/file/x', 'a part of the path is a file'],
    ['FOLDER/dangling', 'a file, or a link without a target, is there; remove it or choose another place'],
    ['/proc/x', 'this file system cannot hold it; choose another place'],
  ])('reports the reason of a failure: %s', async (path, reason) => {
    writeFileSync(at('file'), '')
    symlinkSync(at('nowhere'), at('dangling'))
    const full = path.replace('FOLDER', folder)
    await expect(makeFolder(full)).rejects.toThrow(`cannot make the folder ${full}: ${reason}`)
  })
})

describe('reading a file', () => {
  it('returns up to the limit and refuses one byte more', () => {
    writeFileSync(at('a'), '12345')
    expect(readWholeFile(at('a'), { bytesMax: 5 }).toString()).toBe('12345')
    expect(() => readWholeFile(at('a'), { bytesMax: 4 })).toThrow('5 bytes are more than the limit of 4')
  })

  it('reports the reason of a failure', () => {
    expect(() => readWholeFile(at('gone'), { bytesMax: 5 })).toThrow(
      /^cannot read .*gone: no such file or folder/,
    )
    expect(() => readWholeFile(folder, { bytesMax: 1 << 20 })).toThrow('this is a folder; name a file in it')
  })

  it('reads a pipe or device to its end, and only up to the limit', () => {
    expect(readWholeFile('/dev/null', { bytesMax: 5 })).toHaveLength(0)
    expect(() => readWholeFile('/dev/zero', { bytesMax: 100_000 })).toThrow(
      '/dev/zero: more than the limit of 100000 bytes; is it the right file?',
    )
  })
})

describe('two paths', () => {
  it('are one file through links of both kinds, and not when one of them does not exist', () => {
    writeFileSync(at('a'), 'same')
    writeFileSync(at('b'), 'same')
    linkSync(at('a'), at('hard'))
    symlinkSync('a', at('soft'))
    const others = ['a', 'hard', 'soft', 'b', 'gone']
    expect(others.map((name) => isSameFile(at('a'), at(name)))).toEqual([true, true, true, false, false])
  })
})
