/**
 * Starts an S3-compatible store on a free port, with real HTTP and real signatures. It accepts one key pair and
 * ignores If-Match, as some stores do.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import S3rver from 's3rver'

export interface S3Store {
  /** Endpoint and credentials for a command. */
  readonly environment: Readonly<Record<string, string>>
  put(key: string, body: Buffer | string): Promise<void>
  close(): Promise<void>
}

/** Starts the store with one empty bucket. `tls`: key and certificate for an HTTPS endpoint on 127.0.0.1. */
export async function anS3Store(
  bucket: string,
  tls?: { readonly key: Buffer; readonly cert: Buffer; readonly caPath: string },
): Promise<S3Store> {
  const directory = mkdtempSync(join(tmpdir(), 'siteswarm-s3-'))
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    vhostBuckets: false,
    ...tls,
  })
  const { port } = await server.run()
  const endpoint = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  // On Node 20 the client of this test would print the advice that the program suppresses.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const client = new S3Client({
    endpoint,
    ...(tls === undefined ? {} : { requestHandler: { httpsAgent: { ca: readFileSync(tls.caPath) } } }),
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    // The store would save the framing of the checksum as part of the object.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  return {
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
    },
    async put(key, body) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(body) }))
    },
    async close() {
      client.destroy()
      await server.close()
      rmSync(directory, { recursive: true })
    },
  }
}
