/**
 * Keeps the rollouts in the store of the site: reads them at the start, and from other nodes of the site; writes those
 * that changed, one node of the site each. Numbers of expected hosts are documents of their own, which any node writes.
 */
import * as z from 'zod'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { EXPECTED_MAX } from './expected-hosts.ts'
import type { Expectation, Rollout } from './rollout.ts'
import { applyRecord, readRecord, torrentIn, writeRecord } from './rollout-record.ts'
import type { Rollouts } from './rollouts.ts'

/** See `DocumentStore` of the room replication. */
export interface Documents {
  get(key: string): string | undefined
  put(key: string, document: string): void
  remove(key: string): void
  onChange(listener: (key: string, document: string | undefined) => void): void
}

const RECORD = 'rollout:'
const EXPECT = 'expect:'
/** A crash of all nodes loses the hosts that left since then. */
const WRITE_INTERVAL_MS = 10_000
/** A record of many hosts is written less often: 60 bytes for each host. */
const INTERVAL_MS_PER_HOST = 10

const expectationSchema = z.object({
  hosts: z.record(z.string(), z.int().min(0).max(EXPECTED_MAX)),
  atMs: z.number(),
})

export interface RolloutStoreInit {
  readonly rollouts: Rollouts
  readonly documents: Documents
  readonly clock: Clock
  /** Whether this node writes the record of the torrent; one node of the site does. */
  readonly owns: (infoHash: Buffer) => boolean
  readonly log: Log
}

export class RolloutStore {
  readonly #init: RolloutStoreInit
  /** Changed since they were written, with the time of the next write. */
  readonly #dirty = new Map<Rollout, number>()
  readonly #writtenAtMs = new WeakMap<Rollout, number>()

  constructor(init: RolloutStoreInit) {
    this.#init = init
    init.documents.onChange((key, document) => this.#read(key, document))
    init.rollouts.onChange((rollout) => this.#changed(rollout))
    init.rollouts.onDrop((rollout) => this.#drop(rollout))
  }

  /** Writes what is due. Called at least once a second. */
  tick(): void {
    const nowMs = this.#init.clock.nowMs()
    for (const [rollout, dueMs] of this.#dirty) if (dueMs <= nowMs) this.#write(rollout, nowMs)
  }

  /** Writes all changes; the node stops. */
  flush(): void {
    for (const rollout of this.#dirty.keys()) this.#write(rollout, this.#init.clock.nowMs())
  }

  #changed(rollout: Rollout): void {
    this.#writeExpectation(rollout)
    if (this.#dirty.has(rollout)) return
    const hosts = [...rollout.reports.values()].reduce((sum, report) => sum + report.hosts.seen, 0)
    const intervalMs = Math.max(WRITE_INTERVAL_MS, hosts * INTERVAL_MS_PER_HOST)
    const lastMs = this.#writtenAtMs.get(rollout) ?? Number.NEGATIVE_INFINITY
    this.#dirty.set(rollout, Math.max(this.#init.clock.nowMs(), lastMs + intervalMs))
  }

  #write(rollout: Rollout, nowMs: number): void {
    this.#dirty.delete(rollout)
    const { rollouts, documents, owns } = this.#init
    this.#writtenAtMs.set(rollout, nowMs)
    const infoHash = rollout.torrent.infoHashes[0] as Buffer
    if (!owns(infoHash)) return
    const hostsOf = (site: { readonly site: string }) => rollouts.hosts(infoHash, site.site) ?? []
    documents.put(`${RECORD}${rollout.infoHash}`, writeRecord(rollout, hostsOf))
  }

  #writeExpectation({ infoHash, expectation }: Rollout): void {
    if (expectation.atMs === 0) return
    const key = `${EXPECT}${infoHash}`
    const known = readExpectation(this.#init.documents.get(key))
    if (known === undefined || known.atMs < expectation.atMs)
      this.#init.documents.put(key, JSON.stringify(expectation))
  }

  #drop({ infoHash, torrent }: Rollout): void {
    if (!this.#init.owns(torrent.infoHashes[0] as Buffer)) return
    this.#init.documents.remove(`${RECORD}${infoHash}`)
    this.#init.documents.remove(`${EXPECT}${infoHash}`)
  }

  #read(key: string, document: string | undefined): void {
    if (document === undefined) return
    if (key.startsWith(RECORD)) this.#readRecord(key, document)
    else if (key.startsWith(EXPECT)) this.#readExpectation(key, document)
  }

  #readRecord(key: string, document: string): void {
    const { rollouts, log } = this.#init
    const record = readRecord(document)
    if (record === undefined) {
      log.warn({ event: 'rollout-record-invalid', key }, 'record of a rollout is not valid; ignored')
      return
    }
    const rollout = rollouts.restore(torrentIn(record))
    applyRecord(rollout, record, (site) => rollouts.measures(site))
  }

  #readExpectation(key: string, document: string): void {
    const expectation = readExpectation(document)
    const infoHash = Buffer.from(key.slice(EXPECT.length), 'hex')
    const torrent = this.#init.rollouts.torrentOf(infoHash)
    if (expectation === undefined || torrent === undefined) return
    this.#init.rollouts.expect(this.#init.rollouts.restore(torrent), expectation)
  }
}

function readExpectation(document: string | undefined): Expectation | undefined {
  if (document === undefined) return undefined
  try {
    const read = expectationSchema.safeParse(JSON.parse(document))
    return read.success ? read.data : undefined
  } catch {
    return undefined
  }
}
