/** A tracker with one registered torrent and its rollout, on injected time: `rollout.announce('127.2.1.1')`. */
import { describeRollout, describeSites } from '../src/rollouts/describe-rollout.ts'
import { clientName } from '../src/rollouts/client-name.ts'
import { type Carriage, NOT_CARRIED } from '../src/rollouts/ports.ts'
import type { RolloutTorrent } from '../src/rollouts/rollout.ts'
import { Rollouts } from '../src/rollouts/rollouts.ts'
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { aTopology } from './a-topology.ts'
import { aTracker, TORRENT } from './a-tracker.ts'

/** `left` of a client that has nothing. */
export const SIZE_BYTES = 1_024_000

export interface TestRolloutOptions {
  /** Expected hosts in the topology, by site. */
  readonly expect?: Readonly<Record<string, number>>
  readonly carriage?: Carriage
  /** Sites whose own nodes are connected. */
  readonly remote?: readonly string[]
  /** Of the torrent. The node serves those below /srv. */
  readonly origin?: string
}

export function aRollout({ expect, carriage = NOT_CARRIED, remote = [], origin }: TestRolloutOptions = {}) {
  const topology = aTopology(expect === undefined ? {} : { expect })
  const site = aTracker({ topology })
  const authority = new SiteAuthority()
  authority.replace(remote.map((name) => topology.siteNamed(name)?.index ?? -1))
  const torrent: RolloutTorrent = {
    infoHashes: [TORRENT],
    name: 'image',
    sizeBytes: SIZE_BYTES,
    registeredAtMs: site.clock.nowMs(),
    origin,
  }
  const registered = new Set([torrent])
  const listeners: (() => void)[] = []
  const held = new Set<string>()
  const holdListeners: (() => void)[] = []
  const rollouts = new Rollouts({
    torrents: {
      list: () => [...registered],
      find: (infoHash) =>
        [...registered].find(({ infoHashes }) => infoHashes.some((each) => each.equals(infoHash))),
      onChange: (listener) => void listeners.push(listener),
    },
    table: site.table,
    topology: site.topology,
    authority,
    site: 'fra',
    clock: site.clock,
    carriage,
    holds: {
      isHeld: (_infoHash, name) => held.has(name),
      onChange: (listener) => void holdListeners.push(listener),
    },
    servesOrigin: (reference) => reference.startsWith('/srv/'),
    clientOf: (row) => clientName(site.table.clientCodes.get(row) ?? ''),
  })
  const setRegistered = (isRegistered: boolean) => {
    if (isRegistered) registered.add(torrent)
    else registered.delete(torrent)
    for (const listener of listeners) listener()
  }
  const setHeld = (name: string, isHeld: boolean) => {
    if (isHeld) held.add(name)
    else held.delete(name)
    for (const listener of holdListeners) listener()
  }
  /** Time passes, and the rollout is measured once a second. */
  const pass = (seconds: number) => {
    for (let passed = 0; passed < seconds; passed++) {
      site.clock.advanceMs(1_000)
      rollouts.tick()
    }
  }
  const find = () => {
    const rollout = rollouts.find(TORRENT)
    if (rollout === undefined) throw new Error('the torrent has no rollout yet')
    return rollout
  }
  return {
    ...site,
    rollouts,
    torrent,
    authority,
    setRegistered,
    setHeld,
    pass,
    answer: () => describeRollout(find(), rollouts.view(find()), site.clock.nowMs()),
    sites: () => describeSites(find(), rollouts.view(find()), site.clock.nowMs()),
    at: (name: string) => {
      const found = describeSites(find(), rollouts.view(find()), site.clock.nowMs()).find(
        (each) => each.site === name,
      )
      if (found === undefined) throw new Error(`${name} has no report`)
      return found
    },
    /** A client that has nothing yet. */
    join: (from: string, client = '-LT2080-') =>
      void site.announceLater(from, { left: SIZE_BYTES, event: 'started', client }),
    /** A client that has had everything from the start. */
    seed: (from: string) => {
      site.announce(from, { left: 0, event: 'started' })
      site.observe(from, { share: 1 })
    },
    /** The same client as one that joined. */
    finish: (from: string, client = '-LT2080-') =>
      site.announce(from, { left: 0, event: 'completed', downloaded: SIZE_BYTES, client }),
  }
}
