/** A site log that no node can write to, and a connection that ends before it is replaced. */
import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import type { LogFields } from '../../../src/core/log.ts'
import { SeededRandom } from '../../../src/core/random.ts'
import { SiteClock } from '../../../src/core/site-clock.ts'
import type { RedisClient, Reply } from '../../../src/replication/redis/client.ts'
import { siteKeys } from '../../../src/replication/redis/keys.ts'
import { LogReader } from '../../../src/replication/redis/log-reader.ts'
import { LogRecovery } from '../../../src/replication/redis/log-recovery.ts'
import { LogWriter } from '../../../src/replication/redis/log-writer.ts'
import { scripts } from '../../../src/replication/redis/scripts.ts'
import type { LogSubscriber } from '../../../src/replication/site-store.ts'

const keys = siteKeys('fra')
const NOW_MS = Date.UTC(2030, 0, 2)
const LAST_POSSIBLE = '18446744073709551615-18446744073709551615'

/** A recovery that follows the epoch `old`, whose log ends with the last possible id. */
function aRecovery() {
  const events: string[] = []
  const log = (fields: LogFields) => void events.push(fields.event)
  const clock = new SiteClock(new ManualClock(NOW_MS), () => 0)
  const lifetimeMs = 60_000
  const subscriber: LogSubscriber = {
    apply: () => {},
    snapshotRecords: () => [],
    forgetLogged: () => {},
    shiftTime: () => {},
    completed: () => {},
    completionCounts: () => [],
  }
  const recovery = new LogRecovery({
    keys,
    lifetimeMs,
    clock,
    random: new SeededRandom(1),
    newEpoch: () => 'new',
    log: { debug: log, info: log, warn: log, error: log },
    subscriber,
    writer: new LogWriter({ key: keys.log, lifetimeMs, clock }),
    reader: new LogReader({ key: keys.log, apply: () => {}, onApplied: () => {} }),
  })
  return { recovery, events }
}

/** `rotated`: the answer to a rotation, undefined for a connection that ends. */
function aClient(rotated: string | undefined): RedisClient {
  const polled = ['old', '', LAST_POSSIBLE, '0', '', '', '', ''].map((each) => Buffer.from(each))
  return {
    call: async () => null,
    run: async (script): Promise<Reply> => {
      if (script === scripts.poll) return [Buffer.from(String(NOW_MS / 1000)), Buffer.from('0'), ...polled]
      if (rotated === undefined) throw new Error('the connection is closed')
      return Buffer.from(rotated)
    },
    close: () => {},
  }
}

test('a log that cannot be written is replaced by the next session if the connection ends meanwhile', async () => {
  const { recovery, events } = aRecovery()
  // The first poll finds the epoch of the log.
  await recovery.poll(aClient('new'), true)
  await expect(recovery.poll(aClient(undefined), false)).rejects.toThrow('closed')
  recovery.connectionLost()
  expect(events).toEqual([])
  await recovery.poll(aClient('new'), true)
  expect(events).toEqual(['log-rotated', 'log-lost'])
})
