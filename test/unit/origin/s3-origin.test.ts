/** Tests of S3 origins against a real S3-compatible server. */
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import { anS3Store, type S3Store } from '../../an-s3-store.ts'
import { aWebServer } from '../../a-web-server.ts'

const signal = new AbortController().signal

describe('an S3 origin', () => {
  let store: S3Store
  const open = (reference: string, environment: Readonly<Record<string, string>> = {}) =>
    openOrigin(reference, { environment: { ...store.environment, ...environment }, signal })

  beforeAll(async () => {
    store = await anS3Store('images')
    await store.put('os/debian.img', 'abcdefghij')
    await store.put('models/b.bin', 'bb')
    await store.put('models/a/ä.bin', 'a')
    await store.put('models/a.bin', 'aaa')
    await store.put('models/empty', '')
    await store.put('models/a/', '')
    await store.put('odd/x', '1')
    await store.put('odd/x/y', '2')
  })
  afterAll(() => store.close())

  it('describes one object, with its ETag', async () => {
    const origin = await open('s3://images/os/debian.img')
    expect(origin).toMatchObject({
      kind: 's3',
      reference: 's3://images/os/debian.img',
      name: 'debian.img',
      isFolder: false,
      // MD5 of abcdefghij.
      files: [{ path: [], sizeBytes: 10, tag: '"a925576942e94b2ef57a066101b48876"' }],
    })
    await origin.close()
  })

  it('reads ranges of it', async () => {
    const origin = await open('s3://images/os/debian.img')
    expect((await buffer(origin.read(0, { startByte: 3, endByte: 7 }, signal))).toString()).toBe('defg')
    expect((await buffer(origin.read(0, { startByte: 9, endByte: 10 }, signal))).toString()).toBe('j')
    expect(await buffer(origin.read(0, { startByte: 5, endByte: 5 }, signal))).toHaveLength(0)
    await origin.close()
  })

  it('opens a prefix as a folder, sorted folder by folder, without the folder markers of web consoles', async () => {
    const origin = await open('s3://images/models/')
    expect(origin.name).toBe('models')
    expect(origin.isFolder).toBe(true)
    expect(origin.files.map(({ path, sizeBytes }) => [path.join('/'), sizeBytes])).toEqual([
      ['a/ä.bin', 1],
      ['a.bin', 3],
      ['b.bin', 2],
      ['empty', 0],
    ])
    expect((await buffer(origin.read(2, { startByte: 0, endByte: 2 }, signal))).toString()).toBe('bb')
    await origin.close()
  })

  it('detects a replaced object in reads and in verifyUnchanged', async () => {
    await store.put('os/moving.img', 'first')
    const origin = await open('s3://images/os/moving.img')
    await origin.verifyUnchanged(0, signal)
    await store.put('os/moving.img', 'other')
    await expect(buffer(origin.read(0, { startByte: 0, endByte: 5 }, signal))).rejects.toMatchObject({
      kind: 'changed',
      message: 's3://images/os/moving.img changed while it was being read; try again when it is complete',
    })
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ kind: 'changed' })
    await origin.close()
  })

  it.each([
    [
      's3://images/os/none.img',
      'missing',
      'no object has this key; check it, and end it with / for a folder',
    ],
    ['s3://images/none/', 'missing', 'no object has this prefix; check the spelling'],
    ['s3://none/x', 'missing', 'the bucket does not exist'],
    ['s3://', 'unusable', 'write an S3 source as s3://bucket/key'],
    ['s3://images/odd/', 'unusable', 'is an object and also a prefix of other objects'],
  ])('rejects %s', async (reference, kind, message) => {
    await expect(open(reference)).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(message),
    })
  })

  it('reports rejected credentials without repeating them', async () => {
    await expect(
      open('s3://images/os/debian.img', { AWS_ACCESS_KEY_ID: 'unknown-4711' }),
    ).rejects.toMatchObject({
      kind: 'forbidden',
      message:
        's3://images/os/debian.img: the store rejects the credentials; ' +
        'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (403 InvalidAccessKeyId)',
    })
  })

  // The store of the other tests does not check secrets and has no permissions, clock checks or archives.
  it.each([
    [403, 'SignatureDoesNotMatch', 'forbidden', 'the store rejects the credentials'],
    [400, 'ExpiredToken', 'forbidden', 'the credentials have expired; renew them'],
    [403, 'AccessDenied', 'forbidden', 'permission denied; the credentials need s3:GetObject'],
    [
      403,
      'RequestTimeTooSkewed',
      'forbidden',
      'the store rejects signatures of this machine because its clock is wrong',
    ],
    [403, 'InvalidObjectState', 'unusable', 'the object is archived; restore it first'],
    [403, 'SomethingNew', 'forbidden', 'permission denied'],
    [400, 'SomethingNew', 'unusable', 'the store refused the request'],
  ])('explains %i %s', async (statusCode, code, kind, message) => {
    const server = await aWebServer(Buffer.alloc(0))
    server.interfere = (_request, response) => {
      const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>AKIA4711</Message></Error>`
      response.writeHead(statusCode, { 'content-type': 'application/xml' }).end(body)
      return true
    }
    const failure = (await open('s3://images/x', { AWS_ENDPOINT_URL: server.url }).catch(
      (error: unknown) => error,
    )) as Error
    expect(failure).toMatchObject({ kind, message: expect.stringContaining(message) })
    expect(failure.message).not.toContain('4711')
    await server.close()
  })

  // As Amazon S3 and MinIO respond to a request that was signed for another region.
  it.each([
    [400, 'AuthorizationHeaderMalformed', '<Region>eu-central-1</Region>', {}],
    [
      400,
      'AuthorizationHeaderMalformed',
      '',
      {},
      "the region 'us-east-1' is wrong; expecting 'eu-central-1'",
    ],
    [
      301,
      'PermanentRedirect',
      '<Endpoint>images.s3.example</Endpoint>',
      { 'x-amz-bucket-region': 'eu-central-1' },
    ],
  ])(
    'names the region of the bucket for %i %s',
    async (statusCode, code, fields, headers, text = 'wrong region') => {
      const server = await aWebServer(Buffer.alloc(0))
      server.interfere = (_request, response) => {
        const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${text}</Message>${fields}</Error>`
        response.writeHead(statusCode, { 'content-type': 'application/xml', ...headers }).end(body)
        return true
      }
      await expect(open('s3://images/x', { AWS_ENDPOINT_URL: server.url })).rejects.toMatchObject({
        kind: 'forbidden',
        message: expect.stringContaining(
          's3://images/x: the bucket is in region eu-central-1; set AWS_REGION=eu-central-1 (',
        ),
      })
      await server.close()
    },
  )

  it.each([
    ['minio.example:9000', 'not the URL of a store; write https://host:port'],
    ['nothing', 'not the URL of a store; write https://host:port'],
    [
      'https://me:4711@minio.example',
      'user and password are not used; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    ],
  ])('rejects the endpoint %s', async (url, message) => {
    await expect(open('s3://images/x', { AWS_ENDPOINT_URL: url })).rejects.toMatchObject({
      kind: 'unusable',
      message: `AWS_ENDPOINT_URL: ${message}`,
    })
  })

  it('treats empty variables as unset', async () => {
    const empty = { AWS_ENDPOINT_URL_S3: '', AWS_REGION: '', AWS_SESSION_TOKEN: '' }
    const origin = await open('s3://images/os/debian.img', empty)
    expect(origin.files[0]?.sizeBytes).toBe(10)
    await origin.close()
  })

  it('does not repeat credentials in an invalid reference', async () => {
    await expect(open('s3://AKIA:4711@images/x')).rejects.toMatchObject({
      kind: 'unusable',
      message: 's3://images/x: write an S3 source as s3://bucket/key',
    })
  })

  it('reports that no store responds', async () => {
    await expect(
      open('s3://images/os/debian.img', { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }),
    ).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining(
        'http://127.0.0.1:1 (AWS_ENDPOINT_URL): connection refused (ECONNREFUSED); check that the server is running',
      ),
    })
  })
})
