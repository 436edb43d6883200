/** The tracker of a listener: requests answered by the owner of the swarm table over a real socket. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Address } from '../../../src/core/address.ts'
import type { AnnounceReply, AnnounceRequest } from '../../../src/core/announce.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { Refusal } from '../../../src/core/errors.ts'
import { RemoteTracker } from '../../../src/daemon/workers/remote-tracker.ts'
import { TrackerSocket } from '../../../src/daemon/workers/tracker-socket.ts'
import { anAnnounceReply, RecordingTracker } from '../../recording-tracker.ts'

const CLIENT = Address.v4(0x0a00_0001)
const SECRET = Buffer.alloc(32, 7)

const REQUEST: AnnounceRequest = {
  infoHash: Buffer.alloc(20, 1),
  peerId: Buffer.alloc(20, 2),
  port: 6881,
  downloadedBytes: 3,
  uploadedBytes: 4,
  leftBytes: undefined,
  event: 'started',
  peersWanted: undefined,
  key: Buffer.from('key'),
}

async function aPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'announces')
}

async function anOwner(path: string, clockOffsetMs = 0) {
  const tracker = new RecordingTracker()
  const errors: unknown[] = []
  const socket = new TrackerSocket({
    tracker,
    secrets: { current: () => [SECRET] },
    clock: { nowMs: () => systemClock.nowMs() + clockOffsetMs },
    log: { error: (fields) => void errors.push(fields) },
  })
  await socket.start(path)
  onTestFinished(() => socket.stop())
  return { tracker, errors, socket }
}

async function aListener(path: string): Promise<RemoteTracker> {
  const listener = new RemoteTracker(path)
  onTestFinished(() => listener.close())
  await listener.connect()
  return listener
}

test('an announce is answered by the owner, with the address and the connection of its client', async () => {
  const path = await aPath()
  const { tracker } = await anOwner(path)
  tracker.reply = anAnnounceReply({ complete: 5, peers4: Buffer.from([10, 0, 0, 2, 0x1a, 0xe1]) })
  const listener = await aListener(path)
  expect(await listener.announce(REQUEST, CLIENT, 'http', { localAddress: '10.9.9.9' })).toEqual(
    tracker.reply,
  )
  expect(tracker.announces).toEqual([{ request: REQUEST, from: '10.0.0.1', protocol: 'http' }])
})

test('a scrape is answered by the owner', async () => {
  const path = await aPath()
  const { tracker } = await anOwner(path)
  const counts = { complete: 1, downloaded: 2, downloaders: 3, incomplete: 4 }
  tracker.counts.set('01'.repeat(20), counts)
  const listener = await aListener(path)
  expect(await listener.scrape([REQUEST.infoHash], CLIENT)).toEqual([counts])
})

test('a rejection arrives with its code and its detail, also where the owner deferred it', async () => {
  const path = await aPath()
  const { tracker } = await anOwner(path)
  const listener = await aListener(path)
  const refusal = new Refusal('TRK_ADDRESS_UNMAPPED', '10.0.0.1')
  tracker.reply = () => {
    throw refusal
  }
  await expect(listener.announce(REQUEST, CLIENT, 'udp')).rejects.toEqual(refusal)
  tracker.reply = async () => {
    throw refusal
  }
  await expect(listener.announce(REQUEST, CLIENT, 'udp')).rejects.toEqual(refusal)
})

test('a deferred response does not delay those behind it', async () => {
  const path = await aPath()
  const { tracker } = await anOwner(path)
  const listener = await aListener(path)
  const deferred: { answer?: (reply: AnnounceReply) => void } = {}
  tracker.reply = () => new Promise((resolve) => (deferred.answer = resolve))
  const first = listener.announce(REQUEST, CLIENT, 'http')
  await expect.poll(() => deferred.answer).toBeDefined()
  tracker.reply = anAnnounceReply({ complete: 2 })
  expect((await listener.announce(REQUEST, CLIENT, 'http')).complete).toBe(2)
  deferred.answer?.(anAnnounceReply({ complete: 1 }))
  expect((await first).complete).toBe(1)
})

test('an error of the owner is logged there, and the client gets TRK_INTERNAL', async () => {
  const path = await aPath()
  const { tracker, errors } = await anOwner(path)
  const listener = await aListener(path)
  const error = new Error('a bug')
  tracker.reply = () => {
    throw error
  }
  await expect(listener.announce(REQUEST, CLIENT, 'udp')).rejects.toEqual(new Refusal('TRK_INTERNAL'))
  expect(errors).toEqual([{ event: 'request-failed', code: 'TRK_INTERNAL', err: error }])
})

test('the listener has the secrets and the clock of the site', async () => {
  const path = await aPath()
  await anOwner(path, 3_600_000)
  const listener = await aListener(path)
  expect(listener.current()).toEqual([SECRET])
  expect(Math.abs(listener.clock.nowMs() - systemClock.nowMs() - 3_600_000)).toBeLessThan(1_000)
})

test('requests are rejected while the owner is missing, and answered by its replacement', async () => {
  const path = await aPath()
  const first = await anOwner(path)
  const listener = await aListener(path)
  first.tracker.reply = () => new Promise(() => {})
  const unanswered = listener.announce(REQUEST, CLIENT, 'http')
  await expect.poll(() => first.tracker.announces).toHaveLength(1)
  first.socket.stop()
  await expect(unanswered).rejects.toMatchObject({ code: 'TRK_DRAINING' })
  expect(listener.isConnected).toBe(false)
  expect(() => void listener.announce(REQUEST, CLIENT, 'http')).toThrow(
    expect.objectContaining({ code: 'TRK_DRAINING' }),
  )
  const second = await anOwner(path)
  await expect.poll(() => listener.isConnected).toBe(true)
  await listener.announce(REQUEST, CLIENT, 'http')
  expect(second.tracker.announces).toHaveLength(1)
})

test('a listener that stops rejects what the owner defers', async () => {
  const path = await aPath()
  const { tracker } = await anOwner(path)
  const listener = await aListener(path)
  tracker.reply = () => new Promise(() => {})
  const deferred = listener.announce(REQUEST, CLIENT, 'http')
  const closed = listener.close()
  await expect(deferred).rejects.toMatchObject({ code: 'TRK_TOO_EARLY' })
  await closed
})
