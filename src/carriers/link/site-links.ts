/**
 * Connections of this process to nodes of other sites, at most one for each site, and the subscriptions of all torrents
 * at each of them.
 */
import { infoHashKey } from '../../core/info-hash.ts'
import type { Log } from '../../core/log.ts'
import type { CarrierCounters } from '../carrier-counters.ts'
import type { CarrierView } from '../carrier-view.ts'
import type { Published } from './publication.ts'
import type { RemoteCarrier } from './remote-carrier.ts'
import { SiteLink, type SiteLinkInit } from './site-link.ts'

export interface SiteLinksInit {
  readonly ownSite: string
  readonly counters: CarrierCounters
  readonly nowMs: () => number
  readonly log: Log
  readonly published: (infoHash: Buffer) => Published | undefined
  /** The torrent in another site. */
  readonly onRemote: (infoHash: Buffer, view: CarrierView) => void
  /** The connection to the site ended. */
  readonly onLost: (infoHash: Buffer, site: string) => void
}

interface OpenLink {
  readonly link: SiteLink
  readonly remotes: Map<string, RemoteCarrier>
}

export class SiteLinks {
  readonly #init: SiteLinksInit
  /** Connections whose first frame has not arrived. */
  readonly #opening = new Set<SiteLink>()
  readonly #open = new Map<string, OpenLink>()
  readonly #torrents = new Map<string, Buffer>()
  readonly #rates = new Map<string, number>()

  constructor(init: SiteLinksInit) {
    this.#init = init
  }

  get sites(): readonly string[] {
    return [...this.#open.keys()]
  }

  add({ connect, isAccepted, admits }: Pick<SiteLinkInit, 'connect' | 'isAccepted' | 'admits'>): void {
    const { ownSite, counters, nowMs, published, log } = this.#init
    let site: string | undefined
    const link: SiteLink = new SiteLink({
      ownSite,
      connect,
      isAccepted,
      counters,
      nowMs,
      published,
      admits,
      events: {
        onOpen: (name) => {
          site = name
          this.#opened(name, link)
        },
        onEnd: (reason) => {
          log.info({ event: 'carrier-link-closed', site, reason }, 'connection between carriers ended')
          this.#ended(site, link)
        },
      },
    })
    this.#opening.add(link)
  }

  /** Subscribes to a torrent at all sites. */
  follow(infoHash: Buffer): void {
    this.#torrents.set(infoHashKey(infoHash), infoHash)
    for (const open of this.#open.values()) this.#subscribe(open, infoHash)
  }

  forget(infoHash: Buffer): void {
    const key = infoHashKey(infoHash)
    this.#torrents.delete(key)
    for (const { link, remotes } of this.#open.values()) {
      const remote = remotes.get(key)
      if (remote !== undefined) link.unsubscribe(remote)
      remotes.delete(key)
    }
  }

  setRate(site: string, bytesPerSecond: number | undefined): void {
    if (bytesPerSecond === undefined) this.#rates.delete(site)
    else this.#rates.set(site, bytesPerSecond)
    this.#open.get(site)?.link.setRate(bytesPerSecond)
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

  /** A newer connection replaces the one before: the other node would not open one that it does not need. */
  #opened(site: string, link: SiteLink): void {
    this.#opening.delete(link)
    const previous = this.#open.get(site)
    if (previous !== undefined) {
      previous.link.close()
      this.#ended(site, previous.link)
    }
    const open: OpenLink = { link, remotes: new Map() }
    this.#open.set(site, open)
    link.setRate(this.#rates.get(site))
    this.#init.log.info({ event: 'carrier-link-open', site }, 'connected to the carriers of a site')
    for (const infoHash of this.#torrents.values()) this.#subscribe(open, infoHash)
  }

  #ended(site: string | undefined, link: SiteLink): void {
    this.#opening.delete(link)
    if (site === undefined || this.#open.get(site)?.link !== link) return
    this.#open.delete(site)
    for (const infoHash of this.#torrents.values()) this.#init.onLost(infoHash, site)
  }

  #subscribe({ link, remotes }: OpenLink, infoHash: Buffer): void {
    const remote = link.subscribe(infoHash)
    if (remote === undefined) return
    remotes.set(infoHashKey(infoHash), remote)
    this.#init.onRemote(infoHash, remote)
  }
}
