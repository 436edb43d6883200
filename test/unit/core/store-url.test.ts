import { describe, expect, it } from 'vitest'
import { readStoreUrl } from '../../../src/core/store-url.ts'

describe('the URL of a store', () => {
  it('accepts one server and defaults to port 6379', () => {
    expect(readStoreUrl('redis://redis.example')).toEqual({
      kind: 'single',
      endpoints: [{ host: 'redis.example', port: 6379 }],
      isTls: false,
      username: undefined,
      password: undefined,
      database: 0,
      master: '',
      redactedUrl: 'redis://redis.example',
    })
  })

  it('accepts user, password and database, and redacts user and password', () => {
    expect(readStoreUrl('rediss://site%40fra:p%3Aw%2F%40rd:x@10.0.0.1:7000/3')).toMatchObject({
      isTls: true,
      username: 'site@fra',
      password: 'p:w/@rd:x',
      database: 3,
      endpoints: [{ host: '10.0.0.1', port: 7000 }],
      redactedUrl: 'rediss://10.0.0.1:7000/3',
    })
    expect(readStoreUrl('redis://:only-a-password@host')).toMatchObject({
      username: undefined,
      password: 'only-a-password',
    })
  })

  it('accepts Sentinels and the name of their master', () => {
    expect(readStoreUrl('redis+sentinel://a,b:7,[fd00::1]:8/siteswarm/2')).toMatchObject({
      kind: 'sentinel',
      endpoints: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 7 },
        { host: 'fd00::1', port: 8 },
      ],
      master: 'siteswarm',
      database: 2,
    })
  })

  it('accepts nodes of a Cluster', () => {
    expect(readStoreUrl('rediss+cluster://u:p@a:7000,b:7001')).toMatchObject({
      kind: 'cluster',
      isTls: true,
      username: 'u',
      endpoints: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
      ],
    })
  })

  it.each([
    ['http://host', 'not the URL of a Redis'],
    ['redis://', 'not the URL of a Redis'],
    ['redis://host/0?x=1', 'not the URL of a Redis'],
    ['redis://a:6379,b:6379', 'several hosts'],
    ['redis://host:0', 'not a host and port'],
    ['redis://host:65536', 'not a host and port'],
    ['redis://fd00::1', 'not a host and port'],
    ['redis://host/one', 'not a database'],
    ['redis://host/1/2', 'not a database'],
    ['redis+sentinel://a', 'name of the master'],
    ['redis+cluster://a/1', 'only database 0'],
    ['redis://u:100%@host', 'percent escape'],
  ])('rejects %s: %s', (url, message) => {
    expect(readStoreUrl(url)).toMatchObject({ message: expect.stringContaining(message) as string })
  })
})
