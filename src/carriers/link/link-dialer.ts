/**
 * Keeps a connection to one node of each other site. Of two sites, the one whose name is first in the order of code
 * points dials, so that two nodes do not connect twice; a site without a URL is dialled by none, and dials itself.
 */
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { requestUpgrade, type Upgraded } from './upgrade.ts'

/** Doubles after each failure, with a jitter of a fifth. */
const DELAY_MS_MIN = 500
const DELAY_MS_MAX = 10_000

export interface DialledSite {
  readonly site: string
  /** Admin listeners of its nodes. */
  readonly urls: readonly string[]
}

export interface LinkDialerInit {
  readonly ownSite: string
  readonly token: string
  readonly random: Random
  readonly log: Log
  readonly isLinked: (site: string) => boolean
  readonly onUpgraded: (site: string, upgraded: Upgraded) => void
}

interface Target {
  urls: readonly string[]
  failures: number
  dueMs: number
  isDialling: boolean
}

export class LinkDialer {
  readonly #init: LinkDialerInit
  readonly #targets = new Map<string, Target>()

  constructor(init: LinkDialerInit) {
    this.#init = init
  }

  /** `sites`: all other sites that are joined by carriers. `hasOwnUrls`: the others have a URL of this site. */
  setSites(sites: readonly DialledSite[], hasOwnUrls: boolean): void {
    const dialled = sites.filter(
      ({ site, urls }) => urls.length > 0 && (!hasOwnUrls || this.#init.ownSite < site),
    )
    for (const site of this.#targets.keys())
      if (!dialled.some((other) => other.site === site)) this.#targets.delete(site)
    for (const { site, urls } of dialled) {
      const known = this.#targets.get(site)
      if (known === undefined) this.#targets.set(site, { urls, failures: 0, dueMs: 0, isDialling: false })
      else known.urls = urls
    }
  }

  /** Called about once a second. */
  tick(nowMs: number): void {
    for (const [site, target] of this.#targets)
      if (!target.isDialling && nowMs >= target.dueMs && !this.#init.isLinked(site))
        void this.#dial(site, target, nowMs)
  }

  async #dial(site: string, target: Target, nowMs: number): Promise<void> {
    const { token, random, log, onUpgraded } = this.#init
    const url = target.urls[target.failures % target.urls.length]
    if (url === undefined) return
    target.isDialling = true
    try {
      const upgraded = await requestUpgrade(url, token)
      target.failures = 0
      target.dueMs = nowMs + DELAY_MS_MIN
      onUpgraded(site, upgraded)
    } catch (error) {
      const delayMs = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** target.failures++)
      target.dueMs = nowMs + delayMs * (1 - random.below(200) / 1_000)
      const reason = error instanceof Error ? error.message : String(error)
      log.warn(
        { event: 'carrier-link-failed', site, url, reason },
        'a node of a site cannot be reached for carrying',
      )
    } finally {
      target.isDialling = false
    }
  }
}
