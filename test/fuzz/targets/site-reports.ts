/** Rollouts of other sites and of earlier processes, as far as the API answers with them: reports, and records of the store. */
import { ok } from 'node:assert'
import { infoHashKey } from '../../../src/core/info-hash.ts'
import { describeRollout, describeSites } from '../../../src/rollouts/describe-rollout.ts'
import { applyRecord, readRecord, torrentIn, writeRecord } from '../../../src/rollouts/rollout-record.ts'
import { Rollout } from '../../../src/rollouts/rollout.ts'
import { RolloutExchange } from '../../../src/rollouts/rollout-exchange.ts'
import { savingsOf } from '../../../src/rollouts/savings.ts'
import { aRollout } from '../../a-rollout.ts'
import { TORRENT } from '../../a-tracker.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const exchangeOf = ({ rollouts, topology, clock }: ReturnType<typeof aRollout>) =>
  new RolloutExchange({ rollouts, topology, site: 'fra', clock })

/** A report of fra, as one of another site. */
function aReport(site: string): string {
  const measured = aRollout()
  measured.seed('127.1.1.1')
  measured.join('127.1.1.2')
  measured.pass(2)
  measured.rollouts.setExpected(measured.torrent, { ams: 3 })
  const report = exchangeOf(measured).encode(infoHashKey(TORRENT))
  ok(report !== undefined)
  return report.toString().replaceAll('"fra"', JSON.stringify(site))
}

const receiver = aRollout({ remote: ['ams'] })
const exchange = exchangeOf(receiver)
const rollout = receiver.rollouts.restore(receiver.torrent)
const { expectation } = rollout

export const siteReports: FuzzTarget = {
  name: 'site-reports',
  bytesMax: 4_096,
  tokens: [
    '{',
    '}',
    '[',
    ']',
    ',',
    '"ams"',
    '"nyc"',
    'null',
    'true',
    '1e999',
    '1e308',
    '-1',
    '8640000000000001',
    '"__proto__":',
    '"startedAtMs":',
    '"hosts":',
    '"expected":',
    '"stragglers":[',
    TORRENT.toString('hex'),
  ],
  examples: [aReport('ams'), aReport('nyc'), `{"infoHash":"${'01'.repeat(20)}","reports":[]}`],
  read(input) {
    // Reports stay until the next one of their site: each input begins without any.
    rollout.reports.clear()
    rollout.offered.clear()
    rollout.expectation = expectation
    exchange.receive('ams', input)
    exchange.tick()
    ok(rollout.reports.size + rollout.offered.size <= 2 * receiver.topology.value.sites.length)
    requireShown(rollout)
  },
}

/** As `RolloutStore` applies it, to a rollout of its own for each input. */
export const rolloutRecords: FuzzTarget = {
  name: 'rollout-records',
  bytesMax: 4_096,
  tokens: [
    ...siteReports.tokens,
    '"registeredAtMs":',
    '"removedAtMs":',
    '"hosts":[["127.1.1.9",6881,"row-a",1,"observed",true,false,1]]',
    '"received":[["fra",1]]',
    '"further":[["row-a",5]]',
  ],
  examples: [aRecord()],
  read(input) {
    const record = readRecord(input.toString())
    if (record === undefined) return
    const restored = new Rollout(torrentIn(record))
    applyRecord(restored, record, (site) => site === 'fra')
    const hosts = [...restored.measured()].flatMap((site) => [...site.departed.entries()])
    for (const [, { lastSeenMs }] of hosts) ok(new Date(lastSeenMs).toISOString() !== '')
    requireShown(restored)
    const again = readRecord(
      writeRecord(restored, (site) => [...site.departed.entries()].map(([, host]) => host)),
    )
    ok(again !== undefined, 'the record is not read again')
  },
}

function aRecord(): string {
  const measured = aRollout()
  measured.seed('127.1.1.1')
  measured.join('127.1.1.2')
  measured.pass(2)
  const known = measured.rollouts.restore(measured.torrent)
  known.at('fra').received.restore([['ams', 5]])
  return writeRecord(known, () => [
    {
      address: '127.1.1.2',
      port: 6_881,
      bubble: 'row-a',
      share: 0.5,
      progressFrom: 'observed',
      isComplete: false,
      isUnreachable: false,
      isGatewayHost: true,
      lastSeenMs: measured.clock.nowMs(),
    },
  ])
}

/** The answers of the API have dates, and numbers that JSON has. */
function requireShown(shown: Rollout): void {
  const view = receiver.rollouts.view(shown)
  const nowMs = receiver.clock.nowMs()
  const { torrent } = shown
  requireFinite(describeRollout(shown, view, nowMs))
  requireFinite(describeSites(shown, view, nowMs))
  requireFinite(savingsOf([{ torrent, view }], 'site', 'month'))
}

/** JSON has no other numbers: they would become null. */
function requireFinite(value: unknown): void {
  if (typeof value === 'number') ok(Number.isFinite(value))
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(requireFinite)
}
