/**
 * Decisions about leases that reach a node in any order and more than once leave the same gateways, through
 * `Leases.merge` itself and through the records of a site log.
 */
import { SiteAuthority } from '../../src/topology/site-authority.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextLeaseVersion } from '../../src/swarm/lease-version.ts'
import type { LeaseDecision, LeasePlace } from '../../src/swarm/leases.ts'
import { SwarmTable } from '../../src/swarm/swarm-table.ts'
import { SiteCarriers } from '../../src/replication/site-carriers.ts'
import { RecordApplier } from '../../src/replication/record-applier.ts'
import type { LeaseRecord } from '../../src/replication/records.ts'
import { CurrentTopology } from '../../src/topology/current-topology.ts'
import { aTopology } from '../a-topology.ts'
import { at, TORRENT } from '../a-tracker.ts'

const NOW_MS = 1_000_000_000
const HOSTS = ['127.2.1.1', '127.2.1.2']
const SOURCES = ['127.1.1.1', '127.1.1.2']
const topology = aTopology({ gateways: 10 })

/** Two leechers of one site, and two seeds of another one. */
function aTable(): SwarmTable {
  const table = new SwarmTable(topology.places.map(({ site }) => site.index))
  for (const [index, host] of [...HOSTS, ...SOURCES].entries())
    table.put(
      {
        infoHash: TORRENT,
        address: at(host),
        port: 6881,
        identity: index + 1,
        role: HOSTS.includes(host) ? 'leecher' : 'seed',
        leftKib: 100,
        downloadedKib: 0,
        lastSeenMs: NOW_MS,
        lifetimeSeconds: 3_600,
        stalls: 0,
        isUnverifiedSeed: false,
        isVerifiedSeed: true,
        isUnreachable: false,
        isSlowToForward: false,
        clientCode: undefined,
      },
      topology.locate(at(host)),
    )
  return table
}

function rowOf(table: SwarmTable, host: string): number {
  const swarm = table.swarm(TORRENT)
  return swarm === undefined ? -1 : table.find(swarm, at(host), 6881)
}

function gatewaysOf(table: SwarmTable) {
  const site = table.swarm(TORRENT)?.site(1)
  return {
    gateways: site?.gateways.map((gateway) => ({ ...gateway })).toSorted((a, b) => a.row - b.row),
    hosts: [...(site?.gatewayHosts ?? [])].toSorted(([a], [b]) => a - b),
  }
}

/** A decision of one node; its version fixes all of it. */
interface LocalDecision {
  readonly host: number
  readonly isEnd: boolean
  readonly treeRank: number
  readonly source: number | undefined
}

/** One record of a decision: its node may have seen a later announce, or may not know the upstream. */
interface DecisionRecord {
  readonly decision: number
  readonly announcesLater: number
  readonly knowsUpstream: boolean
}

const decision: fc.Arbitrary<LocalDecision> = fc.record({
  host: fc.nat(HOSTS.length - 1),
  isEnd: fc.constantFrom(false, false, true),
  treeRank: fc.integer({ min: 1, max: 9 }),
  source: fc.option(fc.nat(SOURCES.length - 1), { nil: undefined }),
})

const record: fc.Arbitrary<DecisionRecord> = fc.record({
  decision: fc.nat(5),
  announcesLater: fc.nat(3),
  knowsUpstream: fc.boolean(),
})

const history = fc
  .record({
    decisions: fc.array(decision, { minLength: 1, maxLength: 6 }),
    records: fc.array(record, { maxLength: 15 }),
  })
  .chain(({ decisions, records }) => {
    // Each decision is recorded completely at least once.
    const whole = decisions.map((_, decision) => ({ decision, announcesLater: 3, knowsUpstream: true }))
    const all = [...whole, ...records.filter(({ decision }) => decision < decisions.length)]
    return fc.record({
      decisions: fc.constant(decisions),
      one: fc.shuffledSubarray(all, { minLength: all.length }),
      other: fc.shuffledSubarray(all, { minLength: all.length }),
    })
  })

const versionOf = (decision: number, isEnd: boolean) =>
  nextLeaseVersion(0, NOW_MS - 60_000 + decision * 1_000, decision, isEnd)

function recordOf(
  decisions: readonly LocalDecision[],
  { decision, announcesLater, knowsUpstream }: DecisionRecord,
): LeaseRecord {
  const { host, isEnd, treeRank, source } = decisions[decision] as LocalDecision
  const announcedAtMs = NOW_MS - 1_000 + 100 * decision + announcesLater
  const upstream =
    source === undefined || !knowsUpstream
      ? undefined
      : { address: at(SOURCES[source] as string), port: 6881, announcedAtMs: NOW_MS }
  return {
    infoHash: TORRENT,
    peer: { address: at(HOSTS[host] as string), port: 6881, announcedAtMs },
    sinceMs: NOW_MS - 60_000 + decision * 1_000,
    version: versionOf(decision, isEnd),
    endedBy: isEnd ? 'stalled' : undefined,
    upstream,
    treeRank,
  }
}

function applyLog(table: SwarmTable, records: readonly LeaseRecord[]): void {
  const parts = {
    table,
    topology: new CurrentTopology(topology),
    onSurplus: () => {},
    authority: new SiteAuthority(),
    carriers: new SiteCarriers(Buffer.alloc(8)),
  }
  const applier = new RecordApplier(parts)
  applier.begin(NOW_MS, true, undefined)
  for (const record of records) applier.lease(record)
}

function placeOf(table: SwarmTable, { peer }: LeaseRecord): LeasePlace {
  return table.leaseOf(rowOf(table, peer.address.toString()))
}

function decisionOf(
  table: SwarmTable,
  { sinceMs, version, peer, treeRank, upstream }: LeaseRecord,
): LeaseDecision {
  const source = upstream && {
    row: rowOf(table, upstream.address.toString()),
    announcedAtMs: upstream.announcedAtMs,
  }
  return { sinceMs, version, announcedAtMs: peer.announcedAtMs, treeRank, upstream: source }
}

function merge(table: SwarmTable, records: readonly LeaseRecord[]): void {
  for (const record of records) {
    const place = placeOf(table, record)
    const { leases } = table
    if (record.endedBy === undefined) leases.merge(place, decisionOf(table, record))
    else if (record.version >= leases.versionOf(place)) {
      // The end of an unknown lease counts as well.
      place.site.rememberGatewayHost(leases.hostOf(place.row), record.version)
      leases.end(place, record.endedBy, record.version)
    }
  }
}

for (const [through, apply] of [
  ['Leases.merge', merge],
  ['the site log', applyLog],
] as const)
  test(`decisions about leases leave the same gateways in any order and any number of times (${through})`, () => {
    fc.assert(
      fc.property(history, ({ decisions, one, other }) => {
        const [first, second] = [one, other].map((order) => {
          const table = aTable()
          apply(
            table,
            order.map((record) => recordOf(decisions, record)),
          )
          return gatewaysOf(table)
        })
        expect(second).toEqual(first)
        // The last decision about each host holds.
        for (const [host, address] of HOSTS.entries()) {
          const last = decisions.findLastIndex((decision) => decision.host === host)
          const table = aTable()
          const gateway = first?.gateways?.find(({ row }) => row === rowOf(table, address))
          const decision = decisions[last]
          if (decision === undefined || decision.isEnd) expect(gateway).toBeUndefined()
          else expect(gateway).toMatchObject({ version: versionOf(last, false), treeRank: decision.treeRank })
        }
      }),
      { numRuns: 500 },
    )
  })

/** Decisions of this node about one lease. */
const local = fc.array(fc.constantFrom('grant', 'reserve', 'confirm', 'assign', 'fail', 'refresh', 'end'), {
  minLength: 1,
  maxLength: 12,
})

test('an older decision of another node changes nothing that this node decided later', () => {
  fc.assert(
    fc.property(history, local, fc.nat(HOSTS.length - 1), ({ decisions, one }, steps, host) => {
      const table = aTable()
      const { leases } = table
      const row = rowOf(table, HOSTS[host] as string)
      const upstream = { row: rowOf(table, SOURCES[0] as string), announcedAtMs: NOW_MS }
      let nowMs = NOW_MS
      // Without a first decision here, any decision of another node is the later one.
      for (const step of ['grant', ...steps]) {
        nowMs++
        const place = table.leaseOf(row)
        const gateway = place.site.gatewayOf(row)
        if (gateway === undefined) {
          if (step === 'grant') leases.grantNow(place, nowMs)
          else if (step === 'reserve') leases.reserve(place, nowMs)
        } else if (step === 'confirm' && gateway.isTentative) leases.confirm(place, gateway, nowMs)
        else if (step === 'assign')
          leases.assignUpstream(place, gateway, upstream, leases.nextVersion(place, nowMs, false))
        else if (step === 'fail') leases.addFailedUpstream(place, gateway, upstream.row)
        else if (step === 'refresh') leases.refresh(gateway, nowMs)
        else if (step === 'end') leases.end(place, 'stalled', leases.nextVersion(place, nowMs, true))
      }
      const before = gatewaysOf(table)
      const older = one
        .map((record) => recordOf(decisions, record))
        .filter((record) => record.peer.address.toString() === HOSTS[host])
      merge(table, older)
      applyLog(table, older)
      expect(gatewaysOf(table)).toEqual(before)
    }),
    { numRuns: 500 },
  )
})
