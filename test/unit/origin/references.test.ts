/** Tests of malformed references to sources: each is one sentence with the remedy, and no stack trace. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import { OriginError } from '../../../src/origin/origin-error.ts'

const signal = new AbortController().signal
const open = (reference: string) => openOrigin(reference, { environment: {}, signal })

describe('a file: URL', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'siteswarm-origin-'))
    for (const name of ['a b.img', 'a%b#?.img', 'é.img']) writeFileSync(join(folder, name), 'x')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it.each([
    ['file://FOLDER/a%20b.img', 'a b.img'],
    ['file://FOLDER/a b.img', 'a b.img'],
    ['FILE:FOLDER/a%20b.img', 'a b.img'],
    ['file://localhostFOLDER/a%20b.img', 'a b.img'],
    ['file://FOLDER/a%25b%23%3F.img', 'a%b#?.img'],
    ['file://FOLDER/%C3%A9.img', 'é.img'],
    ['file://FOLDER/é.img', 'é.img'],
  ])('%s names a file', async (reference, name) => {
    expect((await open(reference.replace('FOLDER', folder))).name).toBe(name)
  })

  it.each([
    [
      'file://srv/images/a.img',
      '"srv" would be the name of a host; write three slashes (file:///srv/images/a.img)',
    ],
    ['file://127.0.0.1/a.img', '"127.0.0.1" would be the name of a host'],
    ['file://srv:x/a.img', '"srv:x" would be the name of a host'],
    ['file://[/a', '"[" would be the name of a host'],
    ['file://~/a', 'the shell does not expand ~ in a URL; write file:///home/…'],
    ['file:a.img', 'a file URL begins with file:///'],
    ['file:', 'a file URL begins with file:///'],
    ['file:///a%2Fb', '%2F cannot be part of a file name; write /'],
    ['file:///%zz', 'a % that is not an escape of UTF-8 is written %25'],
    ['file:///%ff', 'a % that is not an escape of UTF-8 is written %25'],
    ['file:///100%', 'a % that is not an escape of UTF-8 is written %25'],
    ['file:///a%00b', 'a % that is not an escape of UTF-8 is written %25'],
    ['file:///srv/a?b', '? and # end the path of a URL; write %3F and %23'],
    ['file:///srv/a#1.img', '? and # end the path of a URL; write %3F and %23'],
    ['file://', '/ is the whole file system; name a folder in it'],
    ['file:///', '/ is the whole file system; name a folder in it'],
  ])('%s is rejected', async (reference, message) => {
    const error = await open(reference).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(OriginError)
    expect((error as OriginError).message).toContain(message)
  })
})

it.each([
  ['', 'the source is empty; name a file, a folder or a URL'],
  [' ', 'the source is empty; name a file, a folder or a URL'],
  ['/', '/ is the whole file system; name a folder in it'],
  ['/srv/..', '/ is the whole file system; name a folder in it'],
  ['http:', 'the URL of the source is not valid; check its spelling'],
  ['http://', 'the URL of the source is not valid; check its spelling'],
  ['http://me:pa/4711@host/x', 'the URL of the source is not valid; check its spelling'],
  ['https://host:99999/x', 'the URL of the source is not valid; check its spelling'],
  ['s3:', 'write an S3 source as s3://bucket/key'],
  ['s3:///key', 'write an S3 source as s3://bucket/key'],
  ['S3:/bucket/key', 'write an S3 source as s3://bucket/key'],
  ['ftp://me:4711@host/x', 'ftp:// is not a supported source'],
  ['x'.repeat(300), 'the name is too long for this file system'],
  ['/proc/self/mem', 'cannot read'],
])('the reference %j is rejected', async (reference, message) => {
  const attempt = async () => {
    const origin = await open(reference)
    for await (const _ of origin.read(0, { startByte: 0, endByte: 1 }, signal)) break
  }
  const error = await attempt().catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(OriginError)
  expect((error as OriginError).message).toContain(message)
  expect((error as OriginError).message).not.toContain('4711')
})
