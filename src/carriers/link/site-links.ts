/**
 * Connections of this process to nodes of other sites, one for each node, and the subscriptions of all torrents at each of
 * them. Of the nodes of a site, the one that carries a torrent publishes it.
 */
import { infoHashKey } from '../../core/info-hash.ts'
import type { Log } from '../../core/log.ts'
import type { CarrierCounters } from '../carrier-counters.ts'
import type { CarrierView } from '../carrier-view.ts'
import type { LinkRates } from './link-rates.ts'
import type { Published } from './publication.ts'
import type { RemoteCarrier } from './remote-carrier.ts'
import { SiteLink, type SiteLinkInit } from './site-link.ts'

export interface SiteLinksInit {
  readonly ownSite: string
  readonly ownNode: string
  readonly rates: LinkRates
  readonly counters: CarrierCounters
  readonly nowMs: () => number
  readonly log: Log
  readonly published: (infoHash: Buffer) => Published | undefined
  /** The torrent at a node of another site. */
  readonly onRemote: (infoHash: Buffer, view: CarrierView) => void
  /** The connection to the node ended. */
  readonly onLost: (infoHash: Buffer, view: CarrierView) => void
}

export interface NewLink extends Pick<SiteLinkInit, 'connect' | 'isAccepted' | 'admits'> {
  /** `isDuplicate`: the other node is connected through another connection. */
  readonly onEnd?: (isDuplicate: boolean) => void
}

interface OpenLink {
  readonly site: string
  readonly link: SiteLink
  readonly isAccepted: boolean
  readonly onReplaced: () => void
  readonly remotes: Map<string, { readonly infoHash: Buffer; readonly remote: RemoteCarrier }>
}

export class SiteLinks {
  readonly #init: SiteLinksInit
  /** Connections whose first frame has not arrived. */
  readonly #opening = new Set<SiteLink>()
  /** By node. */
  readonly #open = new Map<string, OpenLink>()
  readonly #torrents = new Map<string, Buffer>()
  #ratedTurn = 0

  constructor(init: SiteLinksInit) {
    this.#init = init
  }

  /** Sites with a connected node. */
  get sites(): readonly string[] {
    return [...new Set([...this.#open.values()].map(({ site }) => site))]
  }

  /** Connected nodes. */
  get nodes(): number {
    return this.#open.size
  }

  /** Blocks wait for a connection. */
  get isCongested(): boolean {
    for (const { link } of this.#open.values()) if (link.isCongested) return true
    return false
  }

  add({ connect, isAccepted, admits, onEnd }: NewLink): void {
    const { log } = this.#init
    let at: { readonly site: string; readonly node: string } | undefined
    let isDuplicate = false
    const link: SiteLink = new SiteLink({
      ...this.#init,
      connect,
      isAccepted,
      admits,
      events: {
        onHello: (_site, node) => {
          isDuplicate = !this.#isNeeded(node, isAccepted)
          return !isDuplicate
        },
        onOpen: (site, node) => {
          at = { site, node }
          this.#opened(at, { site, link, isAccepted, onReplaced: () => onEnd?.(true), remotes: new Map() })
        },
        onRated: (name) => this.#sendRated(name),
        onEnd: (reason) => {
          if (!isDuplicate)
            log.info({ event: 'carrier-link-closed', ...at, reason }, 'connection between carriers ended')
          this.#ended(at?.node, link)
          onEnd?.(isDuplicate)
        },
      },
    })
    this.#opening.add(link)
  }

  /** Subscribes to a torrent at all nodes. */
  follow(infoHash: Buffer): void {
    this.#torrents.set(infoHashKey(infoHash), infoHash)
    for (const open of this.#open.values()) this.#subscribe(open, infoHash)
  }

  forget(infoHash: Buffer): void {
    const key = infoHashKey(infoHash)
    this.#torrents.delete(key)
    for (const { link, remotes } of this.#open.values()) {
      const known = remotes.get(key)
      if (known !== undefined) link.unsubscribe(known.remote)
      remotes.delete(key)
    }
  }

  /** The topology changed: connections to nodes of other sites end, and their torrents get other upstreams. */
  keepOnly(isJoined: (site: string) => boolean): void {
    for (const { site, link } of this.#open.values())
      if (!isJoined(site)) link.end('the topology no longer joins the two sites')
  }

  tick(): void {
    for (const link of this.#opening) link.tick()
    for (const { link } of this.#open.values()) link.tick()
  }

  stop(): void {
    for (const link of this.#opening) link.close()
    for (const { link } of this.#open.values()) link.close()
    this.#opening.clear()
    this.#open.clear()
  }

  /** One block over each connection to the site in turn, as far as the rate goes. */
  #sendRated(site: string): void {
    const links = [...this.#open.values()].filter((open) => open.site === site)
    for (let failed = 0; failed < links.length; this.#ratedTurn++)
      failed = links[this.#ratedTurn % links.length]?.link.sendBlock() === true ? 0 : failed + 1
  }

  /**
   * Two nodes may connect twice: over two URLs of one of them, both at the same time, or again while one side has not noticed
   * the end of the connection. Both decide alike: the side that dialled twice keeps the first connection, a side that
   * accepted twice the second one, and of one connection in each direction the one stays that the smaller identity dialled.
   */
  #isNeeded(node: string, isAccepted: boolean): boolean {
    const previous = this.#open.get(node)
    if (previous === undefined) return true
    if (previous.isAccepted === isAccepted) return isAccepted
    return isAccepted === node < this.#init.ownNode
  }

  #opened({ site, node }: { readonly site: string; readonly node: string }, open: OpenLink): void {
    this.#opening.delete(open.link)
    const previous = this.#open.get(node)
    if (previous !== undefined) {
      previous.link.close()
      this.#ended(node, previous.link)
      previous.onReplaced()
    }
    this.#open.set(node, open)
    this.#init.log.info({ event: 'carrier-link-open', site, node }, 'connected to the carriers of a node')
    for (const infoHash of this.#torrents.values()) this.#subscribe(open, infoHash)
  }

  #ended(node: string | undefined, link: SiteLink): void {
    this.#opening.delete(link)
    const open = node === undefined ? undefined : this.#open.get(node)
    if (node === undefined || open?.link !== link) return
    this.#open.delete(node)
    for (const { infoHash, remote } of open.remotes.values()) this.#init.onLost(infoHash, remote)
  }

  #subscribe({ link, remotes }: OpenLink, infoHash: Buffer): void {
    const remote = link.subscribe(infoHash)
    if (remote === undefined) return
    remotes.set(infoHashKey(infoHash), { infoHash, remote })
    this.#init.onRemote(infoHash, remote)
  }
}
