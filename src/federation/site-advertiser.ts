/**
 * What this site says of itself to the others, kept up to date: looks at each torrent in which something happened, a
 * few times a second, and says it again only where it has changed, or where others would soon believe that a contact is
 * gone because nobody mentioned it.
 */
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { Random } from '../core/random.ts'
import type { Gateway, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import { chooseContacts, type OwnContact } from './advertised-peers.ts'
import { BATCH_BYTES, leaseRecordOf } from '../replication/table-records.ts'
import type { OwnSite } from '../replication/site-store.ts'
import type { RemoteContacts } from './remote-sites.ts'
import { BatchWriter, NODE_ID_BYTES } from '../replication/record-codec.ts'
import type { SiteCountsRecord } from '../replication/records.ts'

/** A torrent in which much happens is looked at so often. Little beside what sites wait for each other. */
const LOOK_EVERY_MS = 20
/** How much is missing changes with each announce; nobody decides by it. */
const LEFT_EVERY_MS = 5_000
/** Leechers whose progress is read; of more, so many stand for all. */
const LEFT_SAMPLE = 256
/** No digest is that. */
const UNLOOKED = -1
/** A contact is mentioned again before this share of its lifetime has passed. */
const MENTIONED_PER_LIFETIME = 4

export interface OwnContactsParts {
  readonly table: SwarmTable
  readonly clock: Clock
  readonly random: Random
  readonly topology: CurrentTopology
  readonly site: string
  readonly remote: RemoteContacts
  /** Runs this a little later. */
  readonly later: (run: () => void, delayMs: number) => void
}

/** What was said of a torrent last. */
interface Said {
  readonly swarm: Swarm | undefined
  readonly contacts: readonly OwnContact[]
  readonly countsDigest: number
  readonly contactsDigest: number
  readonly leftKib: number
  readonly atMs: number
}

const NOTHING_SAID: Said = {
  swarm: undefined,
  contacts: [],
  countsDigest: UNLOOKED,
  contactsDigest: UNLOOKED,
  leftKib: 0,
  atMs: 0,
}

export class OwnContacts implements OwnSite {
  readonly #parts: OwnContactsParts
  readonly #writer: BatchWriter
  readonly #said = new Map<string, Said>()
  readonly #listeners: ((torrent: string, isUrgent: boolean) => void)[] = []
  #touched = new Set<Swarm>()
  #isLookAsked = false

  constructor(parts: OwnContactsParts) {
    this.#parts = parts
    this.#writer = new BatchWriter(
      Buffer.from(Array.from({ length: NODE_ID_BYTES }, () => parts.random.below(256))),
    )
    parts.table.onChange = (swarm, siteIndex) => {
      const own = this.#siteIndex()
      // A gateway of ours may lose its upstream with a peer of another site.
      if (siteIndex === own || (swarm.site(own)?.gateways.length ?? 0) > 0) this.touch(swarm)
    }
  }

  get name(): string {
    return this.#parts.site
  }

  nowMs(): number {
    return this.#parts.clock.nowMs()
  }

  torrents(): Iterable<string> {
    return this.#said.keys()
  }

  onChange(listener: (torrent: string, isUrgent: boolean) => void): void {
    this.#listeners.push(listener)
  }

  /** Something happened in this torrent that others may have to hear of. */
  touch(swarm: Swarm): void {
    this.#touched.add(swarm)
    if (this.#isLookAsked) return
    this.#isLookAsked = true
    this.#parts.later(() => this.look(), LOOK_EVERY_MS)
  }

  /** Finds out what is to be said again. */
  look(): void {
    this.#isLookAsked = false
    const touched = this.#touched
    this.#touched = new Set()
    // A swarm that was empty for a moment comes twice.
    const keys = new Set([...touched].map((swarm) => infoHashKey(swarm.infoHash)))
    for (const key of keys) this.#lookAt(key)
  }

  tell(torrents: Iterator<string>, reader: string): Buffer | undefined {
    const writer = this.#writer
    const readerIndex = this.#parts.topology.value.siteNamed(reader)?.index ?? -1
    while (writer.byteLength < BATCH_BYTES) {
      const next = torrents.next()
      if (next.done === true) break
      this.#write(next.value, readerIndex)
    }
    return writer.isEmpty ? undefined : writer.take(this.nowMs())
  }

  #siteIndex(): number {
    return this.#parts.topology.value.siteNamed(this.#parts.site)?.index ?? -1
  }

  #lookAt(key: string): void {
    const infoHash = Buffer.from(key, 'latin1')
    const swarm = this.#parts.table.swarm(infoHash)
    const before = this.#said.get(key)
    const site = swarm?.site(this.#siteIndex())
    if (swarm === undefined || site === undefined || site.peers === 0) {
      if (this.#said.delete(key)) this.#changed(key, true)
      return
    }
    const nowMs = this.nowMs()
    const { table, remote } = this.#parts
    const contacts = chooseContacts(table, swarm, site, nowMs, before?.contacts ?? [])
    const counts = this.#countsOf(swarm)
    const countsDigest = digest([counts.seeds, counts.leechers, counts.partial, counts.downloaded])
    const contactsDigest = digest([
      ...contacts.flatMap(({ row }) => [row, table.rows.identity(row), ...this.#leaseOf(row)]),
      ...adoptions(table, swarm, site.site).flatMap(({ row, version }) =>
        version > remote.leaseVersionSaid(infoHash, table.siteIndexOf(row)) ? [row, version] : [],
      ),
    ])
    const lifetimeMs = Math.min(...contacts.map(({ row }) => table.rows.lifetimeSeconds(row) * 1000))
    const silentMs = nowMs - (before?.atMs ?? 0)
    const isUrgent = contactsDigest !== before?.contactsDigest
    const isChanged =
      isUrgent ||
      countsDigest !== before.countsDigest ||
      silentMs * MENTIONED_PER_LIFETIME >= lifetimeMs ||
      (counts.leftKib !== before.leftKib && silentMs >= LEFT_EVERY_MS)
    if (!isChanged) return
    this.#said.set(key, {
      swarm,
      contacts,
      countsDigest,
      contactsDigest,
      leftKib: counts.leftKib,
      atMs: nowMs,
    })
    this.#changed(key, isUrgent)
  }

  /** What a lease says, as numbers: of the peer's as a gateway, if it is one. */
  #leaseOf(row: number): number[] {
    const { table } = this.#parts
    const gateway = table.siteOf(row).gatewayOf(row)
    if (gateway === undefined) return [table.rows.has(row, 1) ? 1 : 0]
    return [gateway.version, gateway.upstreamRow, gateway.treeRank]
  }

  #changed(key: string, isUrgent: boolean): void {
    for (const listener of this.#listeners) listener(key, isUrgent)
  }

  #write(key: string, readerIndex: number): void {
    const { table, remote } = this.#parts
    const said = this.#said.get(key)
    // Kept, because finding it by its infohash is half of what it takes to tell of it. One without peers is not the one
    // in the table any more.
    const swarm =
      said?.swarm !== undefined && said.swarm.rows > 0 ? said.swarm : table.swarm(Buffer.from(key, 'latin1'))
    const siteIndex = this.#siteIndex()
    const site = swarm?.site(siteIndex)
    const writer = this.#writer
    // What is told now was not looked at yet: it has to be told again even if all becomes as it was.
    const isKnown = said !== undefined || (site?.peers ?? 0) > 0
    if (isKnown && (swarm === undefined || said === undefined || this.#touched.has(swarm)))
      this.#said.set(key, { ...(said ?? NOTHING_SAID), countsDigest: UNLOOKED })
    if (swarm === undefined || site === undefined || site.peers === 0) {
      const infoHash = Buffer.from(key, 'latin1')
      return writer.siteCounts({ infoHash, seeds: 0, leechers: 0, partial: 0, leftKib: 0, downloaded: 0 })
    }
    const { infoHash } = swarm
    writer.siteCounts(this.#countsOf(swarm))
    const describing = { table, nowMs: this.nowMs() }
    const contacts = (said?.contacts ?? []).filter(
      ({ row, identity }) =>
        table.rows.isLive(row) &&
        table.rows.swarm(row) === swarm.index &&
        table.rows.identity(row) === identity &&
        table.siteIndexOf(row) === siteIndex,
    )
    for (const { row } of contacts) writer.peer(table.stateOf(row, describing.nowMs))
    for (const { row } of contacts) {
      const gateway = site.gatewayOf(row)
      if (gateway !== undefined) writer.lease(leaseRecordOf(describing, gateway))
    }
    for (const gateway of adoptions(table, swarm, siteIndex))
      if (
        table.siteIndexOf(gateway.row) === readerIndex &&
        gateway.version > remote.leaseVersionSaid(infoHash, readerIndex)
      )
        writer.lease(leaseRecordOf(describing, gateway))
  }

  /** Peers of a site that is cut are recorded here too, but only their own site speaks of them. */
  #countsOf(swarm: Swarm): SiteCountsRecord {
    const { table, remote } = this.#parts
    const siteIndex = this.#siteIndex()
    let [seeds, leechers, partial, leftKib, sampled] = [
      swarm.seedClients,
      swarm.leecherClients,
      swarm.partialClients,
      0,
      0,
    ]
    for (const site of swarm.sites) {
      if (site.site === siteIndex || remote.isHeard(site.site)) continue
      seeds -= site.seeds
      leechers -= site.leechers
      partial -= site.partial
    }
    const own = swarm.site(siteIndex)
    for (const list of own?.lists ?? []) {
      if (list.role !== 'leecher') continue
      let row = list.head
      for (let unread = list.length; unread > 0 && sampled < LEFT_SAMPLE; unread--) {
        const left = table.rows.leftKib(row)
        row = table.rows.next(row)
        if (left === LEFT_UNKNOWN) continue
        leftKib += left
        sampled++
      }
    }
    if (sampled >= LEFT_SAMPLE) leftKib = Math.round((leftKib / sampled) * (own?.leechers ?? 0))
    return {
      infoHash: swarm.infoHash,
      seeds: Math.max(0, seeds),
      leechers: Math.max(0, leechers),
      partial: Math.max(0, partial),
      leftKib: Math.min(leftKib, 2 ** 48 - 1),
      downloaded: swarm.downloaded,
    }
  }
}

/** Gateways of other sites that fetch from this one. */
function adoptions(table: SwarmTable, swarm: Swarm, siteIndex: number): Gateway[] {
  const found: Gateway[] = []
  for (const site of swarm.sites)
    for (const gateway of site.site === siteIndex ? [] : site.gateways)
      if (gateway.upstreamRow >= 0 && table.siteIndexOf(gateway.upstreamRow) === siteIndex)
        found.push(gateway)
  return found
}

/** FNV-1a over 32-bit words; of larger numbers, both halves. */
function digest(numbers: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const number of numbers) {
    hash = Math.imul(hash ^ (number | 0), 0x01000193)
    hash = Math.imul(hash ^ Math.floor(number / 0x1_0000_0000), 0x01000193)
    hash ^= hash >>> 15
  }
  return hash >>> 0
}
