/** The nodes of a running stack, as the demonstration uses them: torrents, scrapes, and the counters of traffic into a site. */
import { setTimeout as pause } from 'node:timers/promises'
import { InputError } from '../src/core/errors.ts'
import type { StackAddresses } from './stack-document.ts'

const POLL_INTERVAL_MS = 200
/** Sites exchange torrents and sources within a second; more only on a busy machine. */
const FEDERATION_TIMEOUT_MS = 30_000

type DemoNode = StackAddresses['nodes'][number]

export interface SiteBytes {
  readonly all: number
  readonly entered: number
}

export class DemoTracker {
  readonly #nodes: readonly DemoNode[]
  readonly #ready: DemoNode[] = []
  readonly #signal: AbortSignal

  constructor(addresses: StackAddresses, signal: AbortSignal) {
    this.#nodes = addresses.nodes
    this.#signal = signal
  }

  /** Finds the nodes that are ready, which are used from here on. Resolves with the names of the others. */
  async findReady(): Promise<string[]> {
    const notReady: string[] = []
    for (const node of this.#nodes) {
      if ((await this.#get(`${node.admin}/readyz`))?.ok === true) this.#ready.push(node)
      else notReady.push(node.name)
    }
    return notReady
  }

  /** The first ready node of a site. */
  nodeOf(site: string): DemoNode {
    const node = this.#ready.find((each) => each.site === site)
    if (node === undefined) throw new InputError(`no node in ${site} is ready`)
    return node
  }

  /** The torrent file with the trackers of a site, as soon as a ready node of the site serves it. */
  async torrentFrom(torrentUrl: string, site: string): Promise<Buffer> {
    const { pathname, search } = new URL(torrentUrl)
    const url = new URL(pathname + search, this.nodeOf(site).announce).href
    const response = await this.#poll(`${site} does not serve the torrent`, async () => {
      const found = await this.#get(url)
      return found?.ok === true ? found : undefined
    })
    return Buffer.from(await response.arrayBuffer())
  }

  /** Waits until a site counts a complete peer, in its own swarm or in that of another site. */
  async waitForSeed(site: string, infoHash: string): Promise<void> {
    const escaped = infoHash.replaceAll(/../g, '%$&')
    const url = `${this.nodeOf(site).announce.replace('/announce', '/scrape')}?info_hash=${escaped}`
    await this.#poll(`${site} does not know the seed`, async () => {
      const body = await (await this.#get(url))?.text()
      return Number(/8:completei(\d+)e/.exec(body ?? '')?.[1] ?? 0) > 0 ? true : undefined
    })
  }

  /**
   * Bytes that the peers of a site have downloaded, by the announces that the nodes have received, and those that entered
   * the site: relayed by its nodes, or downloaded by its gateways.
   */
  async downloadedBytes(site: string): Promise<SiteBytes> {
    const texts = await Promise.all(
      this.#ready.map(async ({ admin }) => (await (await this.#get(`${admin}/metrics`))?.text()) ?? ''),
    )
    const sum = (name: string) => {
      const rows = new RegExp(`^siteswarm_${name}\\{site="${site}"[^}]*\\} (\\S+)$`, 'gm')
      return texts
        .flatMap((text) => [...text.matchAll(rows)])
        .reduce((total, [, value]) => total + Number(value), 0)
    }
    return {
      all: sum('downloaded_bytes_total'),
      entered: sum('relayed_bytes_total') + sum('gateway_downloaded_bytes_total'),
    }
  }

  #get(url: string): Promise<Response | undefined> {
    return fetch(url, { signal: this.#signal }).catch(() => {
      this.#signal.throwIfAborted()
      return undefined
    })
  }

  async #poll<Result>(failure: string, attempt: () => Promise<Result | undefined>): Promise<Result> {
    const deadlineMs = Date.now() + FEDERATION_TIMEOUT_MS
    while (Date.now() < deadlineMs) {
      const result = await attempt()
      if (result !== undefined) return result
      await pause(POLL_INTERVAL_MS, undefined, { signal: this.#signal })
    }
    throw new InputError(`${failure} after ${FEDERATION_TIMEOUT_MS / 1000} s`)
  }
}
