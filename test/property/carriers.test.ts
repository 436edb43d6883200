/**
 * Carriers among clients of virtual time: for any sites, hosts, sizes and losses, each host completes, and no
 * block leaves the source or enters a site twice. The choice of upstreams never closes a circle.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlockCache, SiteBlocks, TorrentBlocks } from '../../src/carriers/block-cache.ts'
import { chooseUpstream, planTree } from '../../src/carriers/site-order.ts'
import { aCarriedSwarm, Content, type SimulatedPeer } from '../simulated-peers.ts'

test('each host completes, and each block leaves the source once and enters each site once', () => {
  fc.assert(
    fc.property(
      fc.record({
        hosts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
        totalBytes: fc.integer({ min: 1, max: 1_500_000 }),
        pieceBytes: fc.constantFrom(16_384, 32_768, 262_144),
        isRegistered: fc.boolean(),
        isSilent: fc.boolean(),
        sourceBytesPerSecond: fc.integer({ min: 300_000, max: 5_000_000 }),
        killed: fc.option(fc.record({ host: fc.nat(15), atMs: fc.integer({ min: 100, max: 4_000 }) })),
        seed: fc.nat(),
      }),
      ({ hosts, totalBytes, pieceBytes, isRegistered, isSilent, sourceBytesPerSecond, killed, seed }) => {
        const content = new Content({ totalBytes, pieceBytes, seed })
        const swarm = aCarriedSwarm({ seed })
        if (isRegistered) swarm.carriers.setGeometry(content.infoHash, content.geometry)
        const source = swarm.join(1, 200, content, { has: 'all', bytesPerSecond: sourceBytesPerSecond })
        const leechers: SimulatedPeer[] = []
        for (const [site, count] of hosts.entries())
          for (let host = 1; host <= count; host++)
            leechers.push(swarm.join(site + 1, host, content, { isSilent: isSilent && host % 2 === 0 }))
        if (killed !== null) {
          swarm.run(killed.atMs)
          leechers[killed.host % leechers.length]!.kill()
        }
        const areComplete = () => leechers.every(({ isAlive, isComplete }) => !isAlive || isComplete)
        expect(swarm.run(60_000, areComplete)).toBe(true)
        expect(Math.max(0, ...source.blocksSent.values())).toBeLessThanOrEqual(1)
        for (let site = 2; site <= hosts.length; site++) {
          const received = hosts
            .map((_, from) => swarm.relayedBytes(site, from + 1))
            .reduce((a, b) => a + b, 0)
          expect(received).toBeLessThanOrEqual(totalBytes)
          const isAnyAlive = leechers.some(
            ({ isAlive, address }) => isAlive && siteOfAddress(address.word3) === site,
          )
          if (isAnyAlive) expect(received).toBe(totalBytes)
        }
        expect(swarm.carriers.counters.unrequestedBytes).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
}, 240_000)

test('upstreams chosen by rank never close a circle, also where the sites see different sources', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 36, maxLength: 36 }),
      fc.array(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), { minLength: 6, maxLength: 6 }),
      (costs, views) => {
        const cost = (a: string, b: string) => {
          const [low, high] = [names.indexOf(a), names.indexOf(b)].sort((x, y) => x - y) as [number, number]
          return costs[low * 6 + high] as number
        }
        const tieOf = (site: string) => site.charCodeAt(0)
        const ranks = new Map(
          names.map((site, index) => [
            site,
            planTree(
              names.map((other, at) => ({ site: other, hasSource: views[index]![at] === true })),
              { cost, tieOf },
            ).get(site)!.rank,
          ]),
        )
        const upstreams = new Map(
          names.map((site) => [
            site,
            chooseUpstream(
              site,
              ranks.get(site)!,
              names
                .filter((other) => other !== site)
                .map((other) => ({ site: other, rank: ranks.get(other)!, pieces: 1, sitesFed: 0 })),
              cost,
            )?.site,
          ]),
        )
        for (const site of names) {
          let steps = 0
          for (let at: string | undefined = site; at !== undefined; at = upstreams.get(at)) steps++
          expect(steps).toBeLessThanOrEqual(names.length)
        }
      },
    ),
  )
})

test('the cache stays within its limit, and never evicts what a site holds', () => {
  const PIECE_BYTES = 100
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          action: fc.constantFrom('hold', 'ahead', 'add', 'release'),
          site: fc.nat(3),
          piece: fc.nat(12),
        }),
        { maxLength: 200 },
      ),
      (actions) => {
        const cache = new BlockCache(500)
        // Two torrents in two sites each.
        const torrents = [new TorrentBlocks(cache), new TorrentBlocks(cache)]
        const sites = [0, 1, 2, 3].map((site) => new SiteBlocks(torrents[site >> 1]!))
        const held = new Map<string, Buffer | undefined>()
        for (const { action, site, piece } of actions) {
          const blocks = sites[site]!
          const key = `${site} ${piece}`
          if (action === 'release') {
            blocks.release(piece)
            held.delete(key)
          } else if (action === 'add') {
            if (!held.has(key)) continue
            const data = Buffer.alloc(PIECE_BYTES, piece)
            blocks.add(piece, 0, data)
            for (const other of held.keys()) if (other === key) held.set(other, data)
          } else if (blocks.hold(piece, PIECE_BYTES, action === 'ahead') && !held.has(key))
            held.set(key, blocks.get(piece, 0))
          expect(cache.bytes).toBeLessThanOrEqual(500)
          for (const [name, data] of held) {
            const [at, which] = name.split(' ').map(Number) as [number, number]
            if (data !== undefined) expect(sites[at]!.get(which, 0)?.equals(data)).toBe(true)
          }
        }
        for (const blocks of sites) blocks.clear()
        expect(cache.bytes).toBe(0)
      },
    ),
  )
})

function siteOfAddress(bits: number): number {
  return (bits >>> 16) & 0xff
}
