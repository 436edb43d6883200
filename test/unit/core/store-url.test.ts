import { describe, expect, it } from 'vitest'
import { readStoreUrl } from '../../../src/core/store-url.ts'

describe('the URL of a store', () => {
  it('names one server, on the usual port', () => {
    expect(readStoreUrl('redis://redis.example')).toEqual({
      kind: 'single',
      endpoints: [{ host: 'redis.example', port: 6379 }],
      isTls: false,
      username: undefined,
      password: undefined,
      database: 0,
      master: '',
      shown: 'redis://redis.example',
    })
  })

  it('has user, password and database, and shows neither of the first two', () => {
    expect(readStoreUrl('rediss://site%40fra:p%3Aw%2F%40rd:x@10.0.0.1:7000/3')).toMatchObject({
      isTls: true,
      username: 'site@fra',
      password: 'p:w/@rd:x',
      database: 3,
      endpoints: [{ host: '10.0.0.1', port: 7000 }],
      shown: 'rediss://10.0.0.1:7000/3',
    })
    expect(readStoreUrl('redis://:only-a-password@host')).toMatchObject({
      username: undefined,
      password: 'only-a-password',
    })
  })

  it('names Sentinels and their master', () => {
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

  it('names nodes of a Cluster', () => {
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
    ['http://host', 'no URL of a Redis'],
    ['redis://', 'no URL of a Redis'],
    ['redis://host/0?x=1', 'no URL of a Redis'],
    ['redis://a:6379,b:6379', 'several hosts'],
    ['redis://host:0', 'no host and port'],
    ['redis://host:65536', 'no host and port'],
    ['redis://fd00::1', 'no host and port'],
    ['redis://host/one', 'no database'],
    ['redis://host/1/2', 'no database'],
    ['redis+sentinel://a', 'name of the master'],
    ['redis+cluster://a/1', 'only database 0'],
    ['redis://u:100%@host', 'percent escape'],
  ])('%s: %s', (url, message) => {
    expect(readStoreUrl(url)).toMatchObject({ message: expect.stringContaining(message) as string })
  })
})
