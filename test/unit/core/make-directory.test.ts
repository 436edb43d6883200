/** Tests of creating directories, also where the system refuses in unusual ways. */
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeDirectory } from '../../../src/core/make-directory.ts'

describe('making a directory', () => {
  let folder: string
  const at = (name: string) => join(folder, name)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'siteswarm-test-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('makes those above it, also twice at once, and accepts one that exists', async () => {
    await Promise.all([makeDirectory(at('a/b/c')), makeDirectory(at('a/b/c'))])
    await makeDirectory(at('a/b/c'))
    expect(statSync(at('a/b/c')).isDirectory()).toBe(true)
  })

  it('accepts a link to a directory', async () => {
    symlinkSync(folder, at('link'))
    await makeDirectory(at('link/x'))
    expect(statSync(at('x')).isDirectory()).toBe(true)
  })

  it.each([
    ['below a file', 'file/x', 'ENOTDIR'],
    ['at a file', 'file', 'EEXIST'],
    ['at a dangling link', 'dangling', 'EEXIST'],
    ['below a dangling link', 'dangling/x', 'EEXIST'],
    ['below /proc', '/proc/x', 'ENOENT'],
    ['deep below /proc', '/proc/self/fd/x/y/z', 'ENOENT'],
  ])('ends with an error %s', async (_case, path, code) => {
    writeFileSync(at('file'), '')
    symlinkSync(at('nowhere'), at('dangling'))
    await expect(makeDirectory(path.startsWith('/') ? path : at(path))).rejects.toMatchObject({ code })
  })
})
