/** Tests of making a torrent from an origin: hashes, rejected input, and sources that change during hashing. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { summarize } from '../../../src/metainfo/summary.ts'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import type { Origin } from '../../../src/origin/origin.ts'
import { publishOrigin, type PublishOptions } from '../../../src/publish/publish-origin.ts'
import { anS3Store } from '../../an-s3-store.ts'
import { aWebServer } from '../../a-web-server.ts'

const signal = new AbortController().signal

const options: PublishOptions = {
  name: undefined,
  isPrivate: true,
  isHybrid: false,
  pieceBytes: undefined,
  webSeeds: [],
  createdBy: 'a test',
  createdAtSeconds: 1_700_000_000,
  signal,
  onProgress: () => undefined,
}

const sha1 = (bytes: string | Buffer) => createHash('sha1').update(bytes).digest().toString('latin1')

/** More than the read-ahead memory, so that a part is unread when the first hash is complete. */
const LARGE_BYTES = 100_000_000

describe('publishing', () => {
  let folder: string
  const at = (name: string) => join(folder, name)
  const open = (reference: string, environment = {}) => openOrigin(reference, { environment, signal })

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'siteswarm-publish-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('writes a torrent as BEP 3 specifies', async () => {
    writeFileSync(at('a.txt'), 'hello')
    const { metainfo } = await publishOrigin(await open(at('a.txt')), {
      ...options,
      webSeeds: ['http://mirror.example/a.txt'],
    })
    expect(metainfo.bytes.toString('latin1')).toBe(
      'd10:created by6:a test13:creation datei1700000000e' +
        `4:infod6:lengthi5e4:name5:a.txt12:piece lengthi16384e6:pieces20:${sha1('hello')}7:privatei1ee` +
        '8:url-listl27:http://mirror.example/a.txtee',
    )
  })

  it('omits the private flag and uses the name if requested', async () => {
    writeFileSync(at('a.txt'), 'hello')
    const { metainfo } = await publishOrigin(await open(at('a.txt')), {
      ...options,
      isPrivate: false,
      name: 'grüß',
    })
    expect(metainfo.bytes.toString('latin1', metainfo.info.start, metainfo.info.end)).toBe(
      `d6:lengthi5e4:name6:grÃ¼Ã\x9f12:piece lengthi16384e6:pieces20:${sha1('hello')}e`,
    )
  })

  it.each([
    ['v1', false],
    ['hybrid', true],
  ])('reports progress up to the last byte, %s', async (_version, isHybrid) => {
    const file = at('large')
    writeFileSync(file, '')
    truncateSync(file, LARGE_BYTES)
    const progress: number[] = []
    const { metainfo, pieceCount } = await publishOrigin(await open(file), {
      ...options,
      isHybrid,
      onProgress: (doneBytes) => progress.push(doneBytes),
    })
    expect(progress.at(-1)).toBe(LARGE_BYTES)
    expect(progress).toEqual(progress.toSorted((left, right) => left - right))
    expect(summarize(metainfo).pieceCount).toBe(pieceCount)
  })

  it('makes the same torrent from a file, over HTTP and from S3', async () => {
    const content = Buffer.alloc(9_000_000)
    for (let index = 0; index < content.length; index++) content[index] = (index * index) >>> 7
    writeFileSync(at('image'), content)
    const server = await aWebServer(content)
    const store = await anS3Store('images')
    await store.put('os/image', content)
    const hashes = []
    for (const reference of [at('image'), `${server.url}/image`, 's3://images/os/image']) {
      const origin = await open(reference, store.environment)
      const { metainfo } = await publishOrigin(origin, options)
      hashes.push(metainfo.infoHashV1?.toString('hex'))
      await origin.close()
    }
    await store.close()
    await server.close()
    expect(hashes[0]).toMatch(/^[0-9a-f]{40}$/)
    expect(hashes).toEqual([hashes[0], hashes[0], hashes[0]])
  })

  describe('detects a change during hashing of', () => {
    const changed = { kind: 'changed', message: expect.stringMatching(/changed while it was being read/) }

    /** Calls `change` when the first part is hashed. */
    const publishWhile = (origin: Origin, change: () => void) => {
      let isChanged = false
      return publishOrigin(origin, {
        ...options,
        onProgress: () => {
          if (!isChanged) change()
          isChanged = true
        },
      })
    }

    it('a file', async () => {
      writeFileSync(at('large'), '')
      truncateSync(at('large'), LARGE_BYTES)
      const origin = await open(at('large'))
      await expect(
        publishWhile(origin, () => truncateSync(at('large'), LARGE_BYTES - 1)),
      ).rejects.toMatchObject(changed)
    })

    it('a file of a folder after it was hashed', async () => {
      for (const name of ['a', 'b']) {
        writeFileSync(at(name), '')
        truncateSync(at(name), LARGE_BYTES / 2)
      }
      const origin = await open(folder)
      await expect(publishWhile(origin, () => writeFileSync(at('a'), 'x'))).rejects.toMatchObject(changed)
    })

    it('an HTTP object', async () => {
      const server = await aWebServer(Buffer.alloc(LARGE_BYTES))
      const origin = await open(`${server.url}/x`)
      const change = () => (server.headers = { etag: '"two"' })
      await expect(publishWhile(origin, change)).rejects.toMatchObject(changed)
      await origin.close()
      await server.close()
    })

    it('an S3 object', async () => {
      const store = await anS3Store('images')
      await store.put('x', 'first')
      const origin = await open('s3://images/x', store.environment)
      await store.put('x', 'other')
      await expect(publishOrigin(origin, options)).rejects.toMatchObject(changed)
      await origin.close()
      await store.close()
    })
  })

  it('stops when the signal aborts', async () => {
    writeFileSync(at('large'), '')
    truncateSync(at('large'), LARGE_BYTES)
    const abort = new AbortController()
    await expect(
      publishOrigin(await open(at('large')), {
        ...options,
        signal: abort.signal,
        onProgress: () => abort.abort(new Error('enough')),
      }),
    ).rejects.toThrow('enough')
  })

  it.each([
    ['..', '".." is not a valid file name'],
    ['a/b', '"a/b" is not a valid file name'],
    ['', '"" is not a valid file name'],
    ['ä'.repeat(128), 'the name has more than 255 bytes'],
  ])('rejects the name %s', async (name, message) => {
    writeFileSync(at('a.txt'), 'hello')
    await expect(publishOrigin(await open(at('a.txt')), { ...options, name })).rejects.toThrow(message)
  })

  it('rejects content without bytes', async () => {
    writeFileSync(at('empty'), '')
    await expect(publishOrigin(await open(at('empty')), options)).rejects.toThrow('the content has no bytes')
  })

  it('rejects a hybrid folder that v2 clients would treat as its only file', async () => {
    writeFileSync(at('same'), 'hello')
    const origin = await open(folder)
    await expect(publishOrigin(origin, { ...options, isHybrid: true, name: 'same' })).rejects.toThrow(
      'contains one file with the name of the folder',
    )
  })
})
