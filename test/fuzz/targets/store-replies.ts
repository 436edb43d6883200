/**
 * Replies of Redis and of the scripts in any form: a value of another type, text instead of a number, a list of another
 * length. The input is the sequence of all replies of one component.
 */
import { ok } from 'node:assert'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../src/core/clock.ts'
import { InputError } from '../../../src/core/errors.ts'
import type { Log } from '../../../src/core/log.ts'
import { infoHashesOf, readMetainfo } from '../../../src/metainfo/metainfo.ts'
import { OverrideFile } from '../../../src/replication/override-file.ts'
import type { RedisClient, Reply } from '../../../src/replication/redis/client.ts'
import { siteKeys } from '../../../src/replication/redis/keys.ts'
import { LogReader } from '../../../src/replication/redis/log-reader.ts'
import { poll } from '../../../src/replication/redis/poll.ts'
import { RedisCompletions } from '../../../src/replication/redis/redis-completions.ts'
import { RedisDocuments } from '../../../src/replication/redis/redis-documents.ts'
import { RedisLeases } from '../../../src/replication/redis/redis-leases.ts'
import { RedisOverrides } from '../../../src/replication/redis/redis-overrides.ts'
import { RedisSecrets } from '../../../src/replication/redis/redis-secrets.ts'
import { RedisTorrents } from '../../../src/replication/redis/redis-torrents.ts'
import { writeDescription } from '../../../src/replication/torrent-description.ts'
import type { LogSubscriber } from '../../../src/replication/site-store.ts'
import { TorrentDirectory } from '../../../src/replication/torrent-directory.ts'
import { PLAIN_TORRENT } from '../../a-torrent.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const keys = siteKeys('fra')
const infoHash = Buffer.alloc(20, 1)
const noLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
/** A list of 4 KiB of empty lists would take longer to make than to read. */
const LIST_MAX = 32
/** A component that requests more than the input has replies for does not advance. */
const FURTHER_REQUESTS_MAX = 16

/*
  Input => component Reply…
  Reply => 0 | 1 int32 | 2 length8 bytes | 3 count5 Reply… | 4 length16 bytes    tags modulo 5
*/
class Replies {
  readonly #input: Buffer
  #at = 1
  #further = 0
  /** Called for the first request without a reply. */
  onEnd = (): void => {}

  constructor(input: Buffer) {
    this.#input = input
  }

  next(): Reply {
    if (this.#at >= this.#input.length) {
      ok(this.#further++ < FURTHER_REQUESTS_MAX, 'the component requests without end')
      this.onEnd()
    }
    return this.#read(0)
  }

  #read(depth: number): Reply {
    switch (this.#byte() % 5) {
      case 1:
        return Buffer.of(this.#byte(), this.#byte(), this.#byte(), this.#byte()).readInt32BE(0)
      case 2:
        return this.#bytes(this.#byte())
      case 3:
        return depth === 4 ? [] : Array.from({ length: this.#byte() % LIST_MAX }, () => this.#read(depth + 1))
      case 4:
        return this.#bytes(this.#byte() * 256 + this.#byte())
      default:
        return null
    }
  }

  #byte(): number {
    return this.#input[this.#at++] ?? 0
  }

  #bytes(length: number): Buffer {
    const bytes = this.#input.subarray(this.#at, this.#at + length)
    this.#at += length
    return bytes
  }
}

type Written = number | string | Buffer | null | readonly Written[]

/** The inverse of `Replies`. Text is bytes, as Redis sends it. */
function written(reply: Written): Buffer {
  if (reply === null) return Buffer.of(0)
  if (typeof reply === 'number')
    return Buffer.of(1, ...Buffer.from([reply >> 24, reply >> 16, reply >> 8, reply]))
  if (typeof reply === 'string') return written(Buffer.from(reply))
  if (Buffer.isBuffer(reply))
    return Buffer.concat([Buffer.of(4, reply.length >> 8, reply.length & 255), reply])
  return Buffer.concat([Buffer.of(3, reply.length), ...reply.map(written)])
}

const components = [
  'poll',
  'completions',
  'documents',
  'overrides',
  'secrets',
  'torrents',
  'log',
  'leases',
] as const

const example = (component: (typeof components)[number], ...replies: readonly Written[]): Buffer =>
  Buffer.concat([Buffer.of(components.indexOf(component)), ...replies.map(written)])

/** It stays empty: no input has the bytes of the torrent that its description describes. */
const directory = mkdtempSync(join(tmpdir(), 'fuzz-torrents-'))

export const storeReplies: FuzzTarget = {
  name: 'store-replies',
  bytesMax: 4_096,
  tokens: [
    '\x00',
    '\x01\x00\x00\x00\x01',
    '\x02\x01\x31',
    '\x03\x00',
    '\x03\x02',
    '\x02\x03inf',
    '\x02\x03nan',
    '\x02\x021-',
    '\x02\x061e+300',
  ],
  examples: [
    example('poll', [
      '1700000000',
      '5',
      'epoch',
      '',
      '1700000000000-5',
      '7',
      'id',
      '3',
      '1700000000000',
      '2',
      1,
      0,
    ]),
    example('completions', [infoHash, '5', infoHash, '7'], ['3', '12']),
    example('documents', ['key', '2'], ['key', 'other'], ['{"a":1}', null]),
    example('overrides', ['version', `hold ${'01'.repeat(20)} *`], [`1700000000000 1`]),
    example('secrets', ['1700000000000', Buffer.alloc(32, 1), Buffer.alloc(32, 2)]),
    example(
      'torrents',
      null,
      ['01'.repeat(20)],
      [writeDescription({ infoHashes: [infoHash], name: 'a', sizeBytes: 5, registeredAtMs: 7, note: '' })],
      PLAIN_TORRENT,
    ),
    example(
      'torrents',
      [`1 a ${'01'.repeat(20)}`],
      [],
      [`1 a ${'01'.repeat(20)}`, `2 b ${'02'.repeat(20)}`, `3 c ${'01'.repeat(20)}`],
      [
        null,
        writeDescription({ infoHashes: [infoHash], name: 'a', sizeBytes: 5, registeredAtMs: 7, note: '' }),
      ],
      PLAIN_TORRENT,
    ),
    example('log', [
      [
        'log',
        [
          ['1-1', ['batch', Buffer.from('bytes')]],
          ['1-2', ['batch', 'more']],
        ],
      ],
    ]),
    example('leases', 1, 0),
  ],
  async read(input) {
    const replies = new Replies(input)
    const client: RedisClient = {
      call: async () => replies.next(),
      run: async () => replies.next(),
      close: () => {},
    }
    await readers[components[(input[0] ?? 0) % components.length] ?? 'poll'](client, replies)
  },
}

const LATER = 700_000_000_000_001
const LATER_CHANGE = [Buffer.from('later'), Buffer.from(String(LATER))]

type Reader = (client: RedisClient, replies: Replies) => Promise<void>

const readers: Readonly<Record<(typeof components)[number], Reader>> = {
  async poll(client) {
    const polled = await poll(client, keys, { newEpoch: 'new', ids: ['1-1'] })
    ok(Array.isArray(polled.exists))
    const secrets = new RedisSecrets(keys, () => Buffer.alloc(32, 9))
    secrets.isBehind(polled.secretsChangedAt, 5)
  },
  async completions(client) {
    const completions = new RedisCompletions(keys, noLog, () => {})
    const completed = (hash: Buffer, count: number) => {
      ok(hash.length === 20)
      ok(Number.isSafeInteger(count) && count >= 0)
    }
    const subscriber = { completed } as unknown as LogSubscriber
    await completions.follow(client, 7, subscriber)
    // After any reply, a later change is followed.
    await completions.follow({ ...client, call: async () => [] }, LATER, subscriber)
    ok(!completions.isBehind(LATER))
  },
  async documents(client) {
    const documents = new RedisDocuments(keys, () => {})
    documents.onChange((_key, document) => ok(document !== ''))
    for (let polls = 0; polls < 2; polls++) await documents.follow(client)
    // After any reply, a later change is read too.
    const later: Readonly<Record<string, Reply>> = {
      zrevrange: LATER_CHANGE,
      zrangebyscore: LATER_CHANGE,
      hkeys: LATER_CHANGE.slice(0, 1),
      hmget: [Buffer.from('later')],
    }
    await documents.follow({ ...client, call: async (name) => later[name] ?? null })
    ok(documents.get('later') === 'later')
  },
  async overrides(client) {
    // The directory does not exist and cannot be made: an override has an effect nevertheless.
    const file = new OverrideFile({ path: '/dev/null/overrides.json', log: noLog })
    await new RedisOverrides(keys, file, () => {}).follow(client, '1')
    for (const { atMs } of file.current.all) ok(Number.isSafeInteger(atMs))
  },
  async secrets(client) {
    const secrets = new RedisSecrets(keys, () => Buffer.alloc(32, 9))
    await secrets.follow(client)
    ok(secrets.current().length > 0)
    for (const secret of secrets.current()) ok(secret.length === 32)
  },
  async torrents(client) {
    const mirror = new TorrentDirectory({
      directory,
      describe: () => ({ infoHashes: [infoHash], name: '', sizeBytes: 0 }),
      isRequired: false,
      clock: systemClock,
      log: noLog,
    })
    const torrents = new RedisTorrents({
      keys,
      mirror,
      directory,
      newId: () => 'new',
      check: (torrent, bytes) => {
        if (infoHashesOf(readMetainfo(bytes, 'the torrent'))[0]?.equals(infoHash) === true) return torrent
        throw new InputError('another infohash')
      },
      onInvalid: () => {},
      elapsedMs: () => 0,
      log: noLog,
    })
    await torrents.follow(client, 'id', '1')
    // By its changes, where the replies have them.
    await torrents.follow(client, 'id', '3')
  },
  async log(client, replies) {
    const ended = new AbortController()
    replies.onEnd = () => ended.abort()
    const reader = new LogReader({
      key: keys.log,
      apply: (batch) => ok(batch.length > 0),
      onApplied: () => {},
    })
    await reader.run(client, ended.signal)
  },
  async leases(client) {
    const leases = new RedisLeases(keys)
    leases.use(client)
    const answer = await leases.claim({
      infoHash,
      site: 'fra',
      peer: Buffer.alloc(6),
      lifetimeMs: 5,
      holdersMax: 1,
    })
    ok(answer === 'granted' || answer === 'denied')
  },
}
