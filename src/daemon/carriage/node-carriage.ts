/**
 * The carriers of a node: starts their process, decides which torrents and sites it carries, and joins it to the tracker.
 *
 * A node carries for the clients of its own site; a node that is not federated carries for all sites. A process that
 * exited is restarted within a fraction of a second, and announces are answered as before for that time.
 */
import { hostname } from 'node:os'
import type { Duplex } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import { acceptUpgrade } from '../../carriers/link/upgrade.ts'
import { CarrierProcess } from '../../carriers/process/carrier-process.ts'
import type { CarrierCommand } from '../../carriers/process/messages.ts'
import type { ListenAddress } from '../../config/values.ts'
import type { Address } from '../../core/address.ts'
import { elapsedMs } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { SiteCredentials } from '../../core/site-credentials.ts'
import type { CarrierGauges } from '../../observe/metric-row.ts'
import type { Observation } from '../../observers/observation.ts'
import type { ClientUpdate } from '../../observers/observed-client.ts'
import type { TorrentRegistry } from '../../registry/torrent-registry.ts'
import type { CurrentTopology } from '../../topology/current-topology.ts'
import type { Site } from '../../topology/topology.ts'
import type { GatewayLeases } from '../../replication/site-store.ts'
import type { CarriedSite } from '../../rollouts/ports.ts'
import type { SwarmReplica } from '../../replication/swarm-replica.ts'
import type { CarriedClient, CarriedSites, CarrierDescription, TransportNow } from '../../tracker/ports.ts'
import type { Endpoint } from '../../tracker/endpoint.ts'
import type { ClientCarriers } from '../client-observers.ts'
import { CarriageLeases, type CarriedAt, RENEW_MS } from './carriage-leases.ts'
import { CarriedTorrents } from './carried-torrents.ts'
import { readPieces } from './read-pieces.ts'
import { CarrierTotals } from './carrier-gauges.ts'
import type { CarriedByNodes } from './rate-share.ts'
import { carrierSites, isCarriedHere, isForAllSites, relayableSites } from './carrier-sites.ts'
import { arrivalAddress, machineAddresses, peersAddresses } from './peers-address.ts'
import type { ExchangingSites } from './exchanging-sites.ts'
import { passOn } from './plain-socket.ts'
import { SiteStates, type SourceElsewhere } from './site-states.ts'

/** A process needs a fraction of a second to begin, and several where the machine is busy. */
const STARTED_MS_MAX = 5_000
/** A process that is gone for longer does not return soon: gateways take over. */
const GONE_MS_MAX = 3_000

export interface NodeCarriageInit {
  readonly site: string
  /** Between sites; undefined where the node is not federated. */
  readonly credentials: SiteCredentials | undefined
  /** `carry.cache`. */
  readonly cacheBytes: number
  /** `listen.peers`. */
  readonly peers: ListenAddress
  readonly seed: number
  readonly topology: CurrentTopology
  readonly registry: TorrentRegistry
  readonly replica: SwarmReplica
  readonly leases: GatewayLeases
  readonly log: Log
  readonly onObservations: (batch: readonly Observation[]) => void
  /** The clients of this torrent are to be passed on again. */
  readonly onMoved: (infoHash: Buffer) => void
  /** The transport of a torrent at a site changed. */
  readonly onTransport: () => void
  /** Another site from which this one could fetch the torrent. */
  readonly sourceElsewhere: (infoHash: Buffer, siteIndex: number) => SourceElsewhere
  readonly exchanging: ExchangingSites
}

export interface CarrierStatus {
  readonly isRunning: boolean
  readonly torrents: number
  /** Number of sites that are connected. */
  readonly linked: number
  /** Names of those that are not. */
  readonly missing: readonly string[]
}

/** The other nodes of the site learn of the torrents of a node this often, beside its changes. */
const REPEAT_MS = 5_000

export class NodeCarriage implements CarriedSites, ClientCarriers {
  readonly #init: NodeCarriageInit
  readonly #process: CarrierProcess
  readonly #torrents: CarriedTorrents
  readonly #leases: CarriageLeases
  readonly #totals: CarrierTotals
  readonly #states: SiteStates
  readonly #machine = machineAddresses()
  /** Addresses at which clients of the own site connect to this node. */
  #addresses: readonly Address[] = []
  /** Indexes of the sites to which nodes relay torrents while they have lost their gateway. */
  relayable: ReadonlySet<number> = new Set()
  isForAllSites = false
  #timer: NodeJS.Timeout | undefined
  #repeatedMs = 0
  /** Since when no process runs; undefined while one does. */
  #goneMs: number | undefined = -Infinity
  #started: (() => void) | undefined

  constructor(init: NodeCarriageInit) {
    const { site, credentials, cacheBytes, peers, seed, topology, registry, replica, leases, log } = init
    this.#init = init
    this.#process = new CarrierProcess({
      arguments: { ownSite: site, cacheBytes, credentials: credentials && { ...credentials }, peers, seed },
      log,
      onObservations: init.onObservations,
      onCarriage: (changed) => {
        for (const { infoHash, site: of } of changed) this.#readState(Buffer.from(infoHash), of)
      },
      onRunning: (isRunning) => this.#noteRunning(isRunning),
    })
    this.#totals = new CarrierTotals(this.#process)
    this.#torrents = new CarriedTorrents({
      command: (command) => this.#process.command(command),
      isRegistered: (infoHash) => registry.find(infoHash) !== undefined,
      readPieces: (infoHash) => readPieces(infoHash, registry, log),
    })
    this.#leases = new CarriageLeases({
      carriers: replica.carriers,
      leases,
      nodeId: replica.nodeId,
      onChange: (infoHash, isHeld) => this.#moved(infoHash, isHeld),
    })
    this.#states = new SiteStates({
      nowMs: elapsedMs,
      reportOf: (infoHash, of) => this.#process.carriageOf(infoHash, of),
      sourceElsewhere: (infoHash, of) =>
        init.sourceElsewhere(infoHash, topology.value.siteNamed(of)?.index ?? -1),
    })
    registry.onChange(() => this.#torrents.readMissingPieces())
    topology.onReplace(() => this.#takeTopology())
    this.#takeTopology()
  }

  /** Resolves when the process runs, or after a deadline. */
  async start(): Promise<void> {
    this.#goneMs = elapsedMs()
    this.#process.start()
    this.#describe()
    this.#timer = setInterval(() => this.#tick(), RENEW_MS)
    let deadline: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#started = resolve
      deadline = setTimeout(resolve, STARTED_MS_MAX)
    })
    clearTimeout(deadline)
  }

  /** The other nodes of the site may carry the torrents of this one before this returns. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#process.stop()
    this.#describe(false)
    this.#leases.releaseAll()
  }

  /** For readiness. */
  status(): CarrierStatus {
    const linked = this.#process.reading?.linkedSites ?? []
    return {
      isRunning: this.#process.isRunning,
      torrents: [...this.#leases.held].length,
      linked: linked.length,
      missing: this.#joinedSites.map(({ name }) => name).filter((name) => !linked.includes(name)),
    }
  }

  /** Other sites whose nodes exchange content with this one. */
  get #joinedSites(): readonly Site[] {
    const { value } = this.#init.topology
    const own = value.siteNamed(this.#init.site)?.index ?? -1
    if (!this.#isFederated || own < 0) return []
    return value.sites.filter(({ index }) => index !== own && value.carryOf(own, index) === 'nodes')
  }

  gauges(): CarrierGauges {
    const { value } = this.#init.topology
    const served = value.sites.filter(({ name }) => !this.#isFederated || name === this.#init.site)
    const carried = served.filter((site) => this.relayable.has(site.index) || this.#isCarriedHere(site))
    return this.#totals.read(value, this.#joinedSites, carried)
  }

  /** The certificate between sites was replaced. */
  setCredentials(): void {
    const { credentials } = this.#init
    if (credentials !== undefined)
      this.#process.command({ kind: 'credentials', credentials: { ...credentials } })
  }

  /** Outcomes of the dials and connections of the carriers, by result. */
  get observations(): Readonly<Record<string, number>> {
    return this.#totals.observations
  }

  /** For the process of the carriers, also for one that begins later. */
  command(command: CarrierCommand): void {
    this.#process.command(command)
  }

  /** Torrents of the node's own site, by the node that carries them. */
  get carried(): CarriedByNodes {
    return { own: this.#leases.held, others: this.#init.replica.carriers.carriedElsewhere() }
  }

  // ---- For the tracker

  transportOf(infoHash: Buffer, siteIndex: number): TransportNow {
    const site = this.#init.topology.value.sites[siteIndex]
    if (site === undefined || !this.#isCarriedHere(site)) return 'direct'
    const where = this.#leases.where(infoHash)
    if (where === undefined) return 'direct'
    const withoutExchange = this.#transportWithoutExchange(infoHash, site)
    if (withoutExchange !== undefined) return withoutExchange
    if (where !== 'elsewhere') return this.#states.transportOf(infoHash, site.name)
    const state = this.#init.replica.carriers.ownerOf(infoHash)?.states.get(site.name)
    if (state === 'direct' || state === 'carried') return state
    return this.#init.sourceElsewhere(infoHash, siteIndex) === 'connected' ? 'settling' : 'carried'
  }

  /** undefined where the leechers exchange pieces, or sites have nodes. One node for all sites may be in none of them. */
  #transportWithoutExchange(infoHash: Buffer, site: Site): 'undecided' | 'direct' | undefined {
    return this.isForAllSites ? this.#init.exchanging.transportOf(infoHash, site.name) : undefined
  }

  describe(infoHash: Buffer, siteIndex: number): CarrierDescription | undefined {
    const site = this.#init.topology.value.sites[siteIndex]
    const where = site !== undefined && this.#isCarriedHere(site) ? this.#leases.where(infoHash) : undefined
    if (site === undefined || where === undefined) return undefined
    const now = this.transportOf(infoHash, siteIndex)
    const transport = now === 'undecided' ? 'settling' : now
    if (where !== 'elsewhere') {
      const upstreamSite = this.#process.carriageOf(infoHash, site.name)?.upstream
      return { node: hostname(), isHere: true, transport, upstreamSite }
    }
    const { carriers } = this.#init.replica
    const node = carriers.ownerOf(infoHash)?.node ?? carriers.candidateFor(infoHash)
    const name = node === 'own' || node === undefined ? hostname() : node.name
    return { node: name, isHere: false, transport, upstreamSite: undefined }
  }

  endpointFor({ infoHash, siteIndex, isV4, isLoopback, arrival }: CarriedClient): Endpoint | undefined {
    if (this.#leases.where(infoHash) === 'elsewhere') {
      const { carriers } = this.#init.replica
      const node = carriers.ownerOf(infoHash)?.node ?? carriers.candidateFor(infoHash)
      return node === 'own' ? undefined : node?.endpoints.find(({ address }) => address.isV4 === isV4)
    }
    const port = this.#process.peersPort
    const isOwnSite = this.#init.topology.value.sites[siteIndex]?.name === this.#init.site
    const own = isOwnSite ? this.#addresses.find((address) => address.isV4 === isV4) : undefined
    const address = own ?? arrivalAddress(arrival, isV4)
    if (port === undefined || address === undefined || (address.isLoopback && !isLoopback)) return undefined
    return { address, port }
  }

  // ---- For rollouts

  /** undefined where no carrier serves the torrent at the site. Another node of the site keeps its figures to itself. */
  find(infoHash: Buffer, site: string): CarriedSite | undefined {
    const known = this.#init.topology.value.siteNamed(site)
    if (known === undefined || !this.#isCarriedHere(known)) return undefined
    if (this.#leases.isHeld(infoHash)) {
      const here = this.#process.carriageOf(infoHash, site)
      if (here === undefined) return undefined
      const received = here.received.map(([from, bytes]) => ({ site: from, bytes }))
      return {
        node: hostname(),
        upstreamSite: here.upstream,
        rateBytesPerSecond: here.bytesPerSecond,
        received,
      }
    }
    const owner = this.#init.replica.carriers.ownerOf(infoHash)
    if (owner?.states.get(site) !== 'carried') return undefined
    return { node: owner.node.name, upstreamSite: undefined, rateBytesPerSecond: 0, received: undefined }
  }

  // ---- For the clients

  carrierOf(infoHash: Buffer, siteIndex: number, isLeecher: boolean): CarriedAt | undefined {
    const site = this.#init.topology.value.sites[siteIndex]
    if (site === undefined || !this.#isCarriedHere(site)) return undefined
    if (isLeecher && this.#transportWithoutExchange(infoHash, site) !== undefined) return undefined
    return this.#leases.take(infoHash)
  }

  relayOf(infoHash: Buffer): CarriedAt | undefined {
    return this.#leases.take(infoHash)
  }

  update(site: string, client: ClientUpdate): void {
    this.#torrents.update(site, client)
  }

  remove(site: string, client: ClientUpdate): void {
    this.#torrents.remove(site, client)
  }

  // ---- Among the nodes of the site

  #moved(infoHash: Buffer, isHeld: boolean): void {
    const { replica, site, onMoved, log } = this.#init
    log.debug(
      { event: 'carriage-moved', infoHash: infoHash.toString('hex'), isHeld },
      'a torrent changed its carrier',
    )
    if (!isHeld) replica.recordCarriage({ infoHash, site, state: 'ended' })
    onMoved(infoHash)
    if (isHeld) this.#record(infoHash)
    else this.#states.forget(infoHash)
  }

  #record(infoHash: Buffer): void {
    for (const site of this.#torrents.sitesOf(infoHash)) {
      const state = this.#states.transportOf(infoHash, site)
      this.#init.replica.recordCarriage({ infoHash, site, state })
    }
  }

  /** The process reported something about the torrent at the site, or time has passed. */
  #readState(infoHash: Buffer, site: string): void {
    if (!this.#leases.isHeld(infoHash) || !this.#states.update(infoHash, site)) return
    const transport = this.#states.transportOf(infoHash, site)
    if (transport === 'direct')
      this.#init.log.warn(
        { event: 'carrier-without-source', infoHash: infoHash.toString('hex'), site },
        'the carrier of a site found no carrier of another site to fetch from; a host of the site fetches from a host of another one until it does',
      )
    this.#init.replica.recordCarriage({ infoHash, site, state: transport })
    this.#init.onTransport()
  }

  #describe(isCarrying = this.#isRunning): void {
    const { replica } = this.#init
    const port = this.#process.peersPort
    const endpoints = port === undefined ? [] : this.#addresses.map((address) => ({ address, port }))
    replica.describeCarrier({ name: hostname(), isCarrying, endpoints })
  }

  #tick(): void {
    this.#totals.note()
    const isRunning = this.#isRunning
    if (isRunning !== this.#init.replica.carriers.isCarrying) {
      this.#describe()
      if (!isRunning) this.#leases.releaseAll()
    }
    this.#leases.renew()
    const isDue = elapsedMs() - this.#repeatedMs >= REPEAT_MS
    if (isDue) this.#repeatedMs = elapsedMs()
    for (const infoHash of this.#leases.held) {
      for (const site of this.#torrents.sitesOf(infoHash)) this.#readState(infoHash, site)
      if (!this.#torrents.has(infoHash)) this.#leases.release(infoHash)
      else if (isDue) this.#record(infoHash)
    }
  }

  /** A request for a connection from a node of another site. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const admission = { token: this.#init.credentials?.token, isFederated: this.#isFederated }
    acceptUpgrade(
      request,
      stream,
      admission,
      (site) => void passOn(stream, (socket) => this.#process.takeConnection(socket, head, site)),
    )
  }

  get #isRunning(): boolean {
    return this.#goneMs === undefined || elapsedMs() - this.#goneMs < GONE_MS_MAX
  }

  #noteRunning(isRunning: boolean): void {
    this.#goneMs = isRunning ? undefined : elapsedMs()
    if (!isRunning) this.#totals.processEnded()
    else {
      this.#started?.()
      this.#describe()
    }
  }

  get #isFederated(): boolean {
    return this.#init.credentials !== undefined
  }

  #isCarriedHere(site: Site): boolean {
    const { topology, site: own } = this.#init
    return isCarriedHere(topology.value, site, own, this.#isFederated)
  }

  #takeTopology(): void {
    const { topology, site, peers } = this.#init
    this.relayable = relayableSites(topology.value)
    this.isForAllSites = isForAllSites(topology.value, this.#isFederated)
    this.#process.command(carrierSites(topology.value, site, this.#isFederated))
    this.#addresses = peersAddresses(peers.host, this.#machine, topology.value, site)
  }
}
