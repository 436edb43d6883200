/**
 * Observers: connections of a node to the clients of its own site, which show what the clients do between their announces.
 *
 * Given the clients that the node is responsible for, the node dials each of them once (is its port open?), holds
 * connections to the important ones and polls the rest in turn, within `observe.connections`, a number of dials and a
 * number of bytes per second. It dials no address but those it was given: the caller passes on addresses that announced
 * from that address, so that a node cannot be aimed at a third party.
 *
 * One timer serves all clients. The engine time advances by at most 200 ms a tick: when the process is suspended or the
 * clock steps, no deadline passes before the sockets have had their turn, and no client counts as silent because its
 * node was busy.
 *
 * Results are `Observation` values, at most one a tick for each client, in one batch.
 */
import type { Clock } from '../core/clock.ts'
import { OBSERVED_CLIENTS_MAX } from '../core/limits.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { Random } from '../core/random.ts'
import { ClientScheduler } from './client-scheduler.ts'
import type { Dial } from './client-socket.ts'
import type { ClientAddress, Observation, Reachability } from './observation.ts'
import { clientKey, type ClientUpdate, ObservedClient } from './observed-client.ts'
import { ObserverCounters } from './observer-counters.ts'
import { TorrentPieces } from './torrent-pieces.ts'

const TICK_MS = 50
const TICK_MS_MAX = 200
/** A result of `checkReachability` is reused for this time. */
const FRESH_MS = 30_000
/** An unreachable client that announces again is dialled before its backoff ends, but no more often than this. */
const REDIAL_MS_MIN = 5_000

export interface ObserversInit {
  /** `observe.connections`: connections at the same time, at least 1. */
  readonly connections: number
  readonly clock: Clock
  readonly random: Random
  readonly dial: Dial
  readonly onObservations: (batch: readonly Observation[]) => void
}

interface Torrent {
  readonly pieces: TorrentPieces
  clients: number
}

interface Waiter {
  readonly client: ObservedClient
  readonly deadlineMs: number
  readonly resolve: (reachability: Reachability) => void
}

export class Observers {
  readonly counters = new ObserverCounters()
  readonly #init: ObserversInit
  readonly #scheduler: ClientScheduler
  readonly #clients = new Map<string, ObservedClient>()
  readonly #torrents = new Map<string, Torrent>()
  readonly #changed = new Set<ObservedClient>()
  #waiters: Waiter[] = []
  #engineMs = 0
  #tickedMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(init: ObserversInit) {
    this.#init = init
    this.#tickedMs = init.clock.nowMs()
    this.#scheduler = new ClientScheduler({
      connections: init.connections,
      random: init.random,
      dial: init.dial,
      nowMs: () => this.#engineMs,
      utcMs: () => init.clock.nowMs(),
      counters: this.counters,
      onChange: (client) => this.#note(client),
    })
  }

  /** Clients under observation, held or polled. */
  get clients(): number {
    return this.#clients.size
  }

  /** Open and opening connections. */
  get connections(): number {
    return this.#scheduler.slots.used
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), TICK_MS)
  }

  /** Closes all connections. Pending checks resolve as unknown. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const client of this.#clients.values()) this.#scheduler.drop(client)
    this.#clients.clear()
    this.#torrents.clear()
    this.#changed.clear()
    for (const { resolve } of this.#waiters.splice(0)) resolve('unknown')
  }

  /** Adds a client, or changes what is known about it. Called for each of its announces and changes of its role. */
  update(update: ClientUpdate): void {
    this.#put(update)
  }

  /** The client stopped, expired, or is observed by another node. */
  remove(client: ClientAddress): void {
    const key = clientKey(client)
    const observed = this.#clients.get(key)
    if (observed === undefined) return
    this.#scheduler.drop(observed)
    this.#clients.delete(key)
    this.#changed.delete(observed)
    this.#release(infoHashKey(client.infoHash))
    this.#settle((waiter) => waiter.client === observed, 'unknown')
  }

  /**
   * Checks whether the port of the client is open, for an announce that waits for it: about 1 ms for an open or refused port of
   * the same network, `deadlineMs` at most. A port that is silent until then counts as unreachable. `unknown` means that
   * the node could not dial. Never rejects.
   */
  checkReachability(update: ClientUpdate, deadlineMs: number): Promise<Reachability> {
    const client = this.#put(update)
    if (client === undefined) return Promise.resolve('unknown')
    const isFresh = this.#engineMs - client.dialledMs < FRESH_MS || client.connection?.phase === 'open'
    if (client.reachability !== 'unknown' && isFresh) return Promise.resolve(client.reachability)
    if (!this.#scheduler.dialNow(client)) return Promise.resolve('unknown')
    return new Promise((resolve) => {
      this.#waiters.push({ client, deadlineMs: this.#engineMs + deadlineMs, resolve })
    })
  }

  /** The present state of one client, for `explain`. */
  observationOf(client: ClientAddress): Observation | undefined {
    const observed = this.#clients.get(clientKey(client))
    return observed === undefined ? undefined : this.#observation(observed)
  }

  /** Numbers of clients, for the metrics and for readiness. Reads all clients. */
  census(): { readonly reachable: number; readonly unreachable: number; readonly falseSeeds: number } {
    const census = { reachable: 0, unreachable: 0, falseSeeds: 0 }
    for (const { reachability, isFalseSeed } of this.#clients.values()) {
      if (reachability !== 'unknown') census[reachability]++
      if (isFalseSeed) census.falseSeeds++
    }
    return census
  }

  /** Advances the engine, does what is due, and reports what changed. Called by the timer, and by tests. */
  tick(): void {
    const nowMs = this.#init.clock.nowMs()
    this.#engineMs += Math.min(TICK_MS_MAX, Math.max(0, nowMs - this.#tickedMs))
    this.#tickedMs = nowMs
    this.#scheduler.run()
    // The next tick would be too late.
    this.#settle(({ deadlineMs }) => deadlineMs < this.#engineMs + TICK_MS, 'unreachable')
    this.#report()
  }

  #put(update: ClientUpdate): ObservedClient | undefined {
    const key = clientKey(update)
    const known = this.#clients.get(key)
    if (known !== undefined) {
      this.#change(known, update)
      return known
    }
    if (this.#clients.size >= OBSERVED_CLIENTS_MAX) {
      this.counters.clientsIgnored++
      return undefined
    }
    const client = new ObservedClient(update, this.#torrentOf(update))
    this.#clients.set(key, client)
    this.#scheduler.dialSoon(client)
    return client
  }

  #change(client: ObservedClient, update: ClientUpdate): void {
    if (update.pieces !== undefined) client.torrent.count = update.pieces
    const announcesAgain = update.announcedMs > client.announcedMs
    client.announcedMs = update.announcedMs
    client.isAnnouncedComplete = update.isAnnouncedComplete
    if (client.priority !== update.priority) {
      client.priority = update.priority
      this.#scheduler.reprioritize(client)
    }
    const isDue = this.#engineMs - client.dialledMs >= REDIAL_MS_MIN
    if (announcesAgain && client.reachability === 'unreachable' && isDue) this.#scheduler.dialSoon(client)
  }

  #torrentOf({ infoHash, pieces }: ClientUpdate): TorrentPieces {
    const key = infoHashKey(infoHash)
    const torrent = this.#torrents.get(key) ?? { pieces: new TorrentPieces(pieces), clients: 0 }
    if (pieces !== undefined) torrent.pieces.count = pieces
    torrent.clients++
    this.#torrents.set(key, torrent)
    return torrent.pieces
  }

  #release(key: string): void {
    const torrent = this.#torrents.get(key)
    if (torrent !== undefined && --torrent.clients === 0) this.#torrents.delete(key)
  }

  #note(client: ObservedClient): void {
    this.#changed.add(client)
    this.#settle((waiter) => waiter.client === client, client.reachability)
  }

  #settle(isSettled: (waiter: Waiter) => boolean, reachability: Reachability): void {
    if (this.#waiters.length === 0) return
    const settled = this.#waiters.filter(isSettled)
    if (settled.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => !settled.includes(waiter))
    for (const { resolve } of settled) resolve(reachability)
  }

  #report(): void {
    if (this.#changed.size === 0) return
    const batch = [...this.#changed].map((client) => this.#observation(client))
    this.#changed.clear()
    this.#init.onObservations(batch)
  }

  #observation(client: ObservedClient): Observation {
    const toUtcMs = (engineMs: number) => this.#tickedMs - (this.#engineMs - engineMs)
    return client.observation(this.#engineMs, toUtcMs)
  }
}
