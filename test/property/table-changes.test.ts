/**
 * A new topology and a clock that was set change every row and swarm, and write none at once. With any events between, each
 * peer reads as if all had been written in the turn of the change.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Address } from '../../src/core/address.ts'
import type { PlacesAfter } from '../../src/swarm/new-places.ts'
import { SwarmTable } from '../../src/swarm/swarm-table.ts'

/** Names of the places, in their order; each is `site bubble`. */
type Places = readonly string[]

interface Change {
  readonly places: Places
  /** Steps of the relocation that follow at once. */
  readonly steps: number
}

interface Peer {
  readonly torrent: number
  readonly host: number
  readonly isSeed: boolean
}

type Event =
  | { readonly peer: Peer }
  | { readonly stopped: Peer }
  | { readonly change: Change }
  | { readonly shiftMs: number }
  | { readonly lease: Peer }
  | { readonly completed: number }

const START_MS = 1_700_000_000_000
const SITES = ['a', 'b', 'c', 'd']
const siteName = (place: string) => place.split(' ')[0] as string
const hash = (torrent: number) => Buffer.alloc(20, torrent + 1)
const address = (host: number) => Address.v4(0x0a000000 + host)

const peer: fc.Arbitrary<Peer> = fc.record({
  torrent: fc.nat(3),
  host: fc.nat(15),
  isSeed: fc.boolean(),
})

const someOf = (sites: readonly string[]): fc.Arbitrary<Places> =>
  fc
    .tuple(
      fc.shuffledSubarray([...sites], { minLength: 1 }),
      fc.shuffledSubarray(['x', 'y', 'z']),
      fc.boolean(),
    )
    .map(([names, bubbles, isReversed]) => {
      const places = names.flatMap((name) => ['-', ...bubbles].map((bubble) => `${name} ${bubble}`))
      return isReversed ? places.toReversed() : places
    })

const eventsWith = (places: fc.Arbitrary<Places>): fc.Arbitrary<readonly Event[]> =>
  fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ peer }) },
      { weight: 1, arbitrary: fc.record({ stopped: peer }) },
      { weight: 2, arbitrary: fc.record({ change: fc.record({ places, steps: fc.nat(3) }) }) },
      { weight: 2, arbitrary: fc.record({ shiftMs: fc.integer({ min: -3_600_000, max: 3_600_000 }) }) },
      { weight: 2, arbitrary: fc.record({ lease: peer }) },
      { weight: 1, arbitrary: fc.record({ completed: fc.nat(3) }) },
    ),
    { maxLength: 40 },
  )

const locate = (places: Places, host: number) => (host * 7 + places.length) % places.length

function sitesOf(places: Places): string[] {
  return [...new Set(places.map(siteName))]
}

function siteOfPlace(places: Places): number[] {
  const sites = sitesOf(places)
  return places.map((place) => sites.indexOf(siteName(place)))
}

function placesAfter(before: Places, after: Places): PlacesAfter {
  const siteAfter = (site: string) => sitesOf(after).indexOf(site)
  return {
    siteOfPlace: siteOfPlace(after),
    locate: (at) => locate(after, at.word3 - 0x0a000000),
    siteAfter: (index) => siteAfter(sitesOf(before)[index] ?? ''),
    placeAfter: (index) => {
      const place = before[index] ?? ''
      const same = after.indexOf(place)
      return same >= 0 ? same : after.findIndex((other) => siteName(other) === siteName(place))
    },
  }
}

/** A table with its clock and its topology. `isEager`: each swarm is read after every change. */
class Played {
  readonly table: SwarmTable
  places: Places
  nowMs = START_MS
  readonly #isEager: boolean

  constructor(places: Places, isEager: boolean) {
    this.places = places
    this.#isEager = isEager
    this.table = new SwarmTable(siteOfPlace(places))
  }

  play(event: Event): void {
    this.nowMs += 1_000
    if ('peer' in event) this.#put(event.peer)
    else if ('stopped' in event) this.table.stop(this.#endpoint(event.stopped), this.nowMs)
    else if ('change' in event) this.#replace(event.change)
    else if ('shiftMs' in event) {
      this.nowMs += event.shiftMs
      this.table.shiftTime(event.shiftMs)
    } else if ('completed' in event)
      this.table.complete(hash(event.completed), { count: 1, lastAtMs: this.nowMs })
    else this.#lease(event.lease)
    if (this.#isEager) for (const swarm of this.table.swarms()) swarm.catchUp()
  }

  row(of: Peer): number {
    const swarm = this.table.swarm(hash(of.torrent))
    return swarm === undefined ? -1 : this.table.find(swarm, address(of.host), 6881)
  }

  #endpoint({ torrent, host }: Peer) {
    return { infoHash: hash(torrent), address: address(host), port: 6881 }
  }

  #put(of: Peer): void {
    const others = [...(this.table.swarm(hash(of.torrent))?.sites ?? [])].flatMap(({ lists }) => lists)
    const row = this.table.put(
      {
        ...this.#endpoint(of),
        identity: of.host,
        role: of.isSeed ? 'seed' : 'leecher',
        leftKib: of.isSeed ? 0 : 100,
        downloadedKib: 0,
        lastSeenMs: this.nowMs,
        lifetimeSeconds: 7_200,
        stalls: 0,
        isUnverifiedSeed: of.host % 4 === 0,
        isVerifiedSeed: false,
        isUnreachable: false,
        isSlowToForward: false,
        clientCode: undefined,
      },
      locate(this.places, of.host),
    )
    const other = others.find(({ head }) => head >= 0 && head !== row)?.head
    if (other !== undefined) this.table.introductions.link(row, other)
    this.table.observed.set(row, {
      reachability: 'reachable',
      share: 0.5,
      isComplete: false,
      isStalled: false,
      observedAtMs: this.nowMs,
      sharePerSecond: 0,
    })
  }

  #lease(of: Peer): void {
    const row = this.row(of)
    if (row < 0) return
    const place = this.table.leaseOf(row)
    if (place.site.gatewayOf(row) === undefined) this.table.leases.grantNow(place, this.nowMs)
    else this.table.leases.end(place, 'stalled', this.table.leases.nextVersion(place, this.nowMs, true))
  }

  #replace({ places, steps }: Change): void {
    const { relocation } = this.table
    const topology = placesAfter(this.places, places)
    let row: number | undefined = 0
    while (row !== undefined) row = relocation.dropUnplaced(topology, row, 3)
    this.places = places
    relocation.begin(topology)
    for (let step = 0; step < steps; step++) relocation.step(4)
  }

  /** Everything that a reader of the table sees. */
  content(): unknown {
    const { table, nowMs } = this
    while (table.relocation.step(1));
    return {
      swarms: [...table.swarms()].map((swarm) => ({
        completedAtMs: swarm.completedAtMs,
        sites: swarm.sites.map((site) => ({
          site: site.site,
          counts: [site.leechers, site.seeds, site.unverifiedSeeds],
          gateways: site.gateways.map((gateway) => ({ ...gateway })),
          hosts: [...site.gatewayHosts].toSorted(([one], [other]) => one - other),
          lists: site.lists.map(({ place, role, length }) => ({ place, role, length })),
          peers: site.lists
            .flatMap((list) => [...list.all(table.rows)])
            .map((row) => ({
              state: table.stateOf(row, nowMs),
              place: table.rows.place(row),
              observed: table.observed.get(row, nowMs),
              isExpired: table.rows.isExpired(row, nowMs),
              stalledMs: table.rows.stallAgeMs(row, nowMs),
              links: Array.from({ length: table.introductions.count(row) }, (_, index) =>
                table.introductions.announcedAtMs(row, index, nowMs),
              ),
            })),
        })),
      })),
      places: this.places.map((_, place) => table.placeCounts.ofPlace(place)),
      sites: sitesOf(this.places).map((_, site) => table.placeCounts.ofSite(site)),
      completions: [...table.completions.entries()],
      emptied: Array.from({ length: 4 }, (_, torrent) =>
        Array.from({ length: 16 }, (_unused, host) =>
          table.gatewayVersion(hash(torrent), 0, hostHash(table, host)),
        ),
      ),
    }
  }
}

/** The hash of a host as the leases have it; any number where no row has it. */
function hostHash(table: SwarmTable, host: number): number {
  for (let row = 0; row < table.rows.end; row++)
    if (table.rows.isLive(row) && table.rows.address(row).equals(address(host)))
      return table.leases.hostOf(row)
  return 0
}

test('swarms that are read late are as those that are read after each change', () => {
  fc.assert(
    fc.property(someOf(SITES), eventsWith(someOf(SITES)), (places, events) => {
      const [late, eager] = [new Played(places, false), new Played(places, true)]
      for (const event of events) {
        late.play(event)
        eager.play(event)
      }
      expect(late.content()).toEqual(eager.content())
    }),
    { numRuns: 200 },
  )
})

/** Only bubbles come and go: a site keeps its name. */
const sameSites = someOf(SITES).filter((places) => sitesOf(places).length === SITES.length)

test('each peer is at its place and has its time, at every moment', () => {
  fc.assert(
    fc.property(sameSites, eventsWith(sameSites), (first, events) => {
      const played = new Played(first, false)
      /** Name of its place, which a step may have brought up to date, and the time of its announce. */
      const model = new Map<string, { peer: Peer; place: string; seenMs: number }>()
      const completedAtMs = new Map<number, number>()
      for (const event of events) {
        played.play(event)
        const { places, nowMs, table } = played
        if ('peer' in event) {
          const { torrent, host } = event.peer
          const place = places[locate(places, host)] as string
          model.set(`${torrent} ${host}`, { peer: event.peer, place, seenMs: nowMs })
        }
        if ('shiftMs' in event)
          for (const [torrent, atMs] of completedAtMs) completedAtMs.set(torrent, atMs + event.shiftMs)
        if ('completed' in event)
          completedAtMs.set(event.completed, Math.max(nowMs, completedAtMs.get(event.completed) ?? 0))
        for (const [torrent, atMs] of completedAtMs) {
          expect(table.completions.get(hash(torrent)).lastAtMs).toBe(atMs)
          expect(table.swarm(hash(torrent))?.completedAtMs ?? atMs).toBe(atMs)
        }
        if ('stopped' in event) model.delete(`${event.stopped.torrent} ${event.stopped.host}`)
        for (const known of model.values()) {
          if ('shiftMs' in event) known.seenMs += event.shiftMs
          if ('change' in event && !places.includes(known.place))
            known.place = places.find((place) => siteName(place) === siteName(known.place)) ?? ''
          const row = played.row(known.peer)
          expect(table.rows.lastSeenMs(row, nowMs)).toBe(known.seenMs)
          expect(table.observed.get(row, nowMs)?.observedAtMs).toBe(known.seenMs)
          const place = places[table.rows.place(row)] as string
          if ('change' in event && event.change.steps > 0) known.place = place
          else expect(place).toBe(known.place)
          expect([known.place, places[locate(places, known.peer.host)]]).toContain(place)
        }
      }
    }),
    { numRuns: 200 },
  )
})
