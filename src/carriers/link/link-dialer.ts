/**
 * Keeps a connection to each node of the other sites. Of two sites, the one whose name is first in the order of code points
 * dials, so that two nodes do not connect twice; a site without a URL is dialled by none, and dials itself.
 */
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { SiteCredentials } from '../../core/site-credentials.ts'
import { requestUpgrade, type Upgraded } from './upgrade.ts'

/** Doubles after each failure, with a jitter of a fifth. Short, because a rollout waits for the link. */
const DELAY_MS_MIN = 500
const DELAY_MS_MAX = 4_000
/** Several URLs may lead to one node, and to another one later. */
const DUPLICATE_MS = 10_000

export interface DialledSite {
  readonly site: string
  /** Admin listeners of its nodes. */
  readonly urls: readonly string[]
}

export interface LinkDialerInit {
  readonly ownSite: string
  readonly credentials: () => SiteCredentials
  readonly random: Random
  readonly log: Log
  readonly nowMs: () => number
  /** `onEnd` is called once, when the connection has ended. */
  readonly onUpgraded: (site: string, upgraded: Upgraded, onEnd: (isDuplicate: boolean) => void) => void
  readonly upgrade?: typeof requestUpgrade
}

interface Target {
  readonly site: string
  readonly url: string
  failures: number
  dueMs: number
  /** The target is dialled, or connected. */
  isBusy: boolean
}

export class LinkDialer {
  readonly #init: LinkDialerInit
  readonly #targets = new Map<string, Target>()

  constructor(init: LinkDialerInit) {
    this.#init = init
  }

  /** `sites`: all other sites that are joined by carriers. `hasOwnUrls`: the others have a URL of this site. */
  setSites(sites: readonly DialledSite[], hasOwnUrls: boolean): void {
    const urls = new Set<string>()
    for (const { site, urls: ofSite } of sites) {
      if (hasOwnUrls && this.#init.ownSite > site) continue
      for (const url of ofSite) {
        const key = `${site} ${url}`
        urls.add(key)
        if (!this.#targets.has(key))
          this.#targets.set(key, { site, url, failures: 0, dueMs: 0, isBusy: false })
      }
    }
    for (const key of this.#targets.keys()) if (!urls.has(key)) this.#targets.delete(key)
  }

  /** Called about once a second. */
  tick(): void {
    const nowMs = this.#init.nowMs()
    for (const target of this.#targets.values())
      if (!target.isBusy && nowMs >= target.dueMs) void this.#dial(target)
  }

  async #dial(target: Target): Promise<void> {
    const { credentials, random, log, nowMs, onUpgraded, upgrade = requestUpgrade } = this.#init
    const { site, url } = target
    target.isBusy = true
    try {
      const upgraded = await upgrade(url, credentials(), site)
      target.failures = 0
      onUpgraded(site, upgraded, (isDuplicate) => {
        target.isBusy = false
        target.dueMs = nowMs() + (isDuplicate ? DUPLICATE_MS : DELAY_MS_MIN)
      })
    } catch (error) {
      target.isBusy = false
      const delayMs = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** target.failures++)
      target.dueMs = nowMs() + delayMs * (1 - random.below(200) / 1_000)
      const reason = error instanceof Error ? error.message : String(error)
      const level = target.failures === 1 ? 'warn' : 'debug'
      log[level](
        { event: 'carrier-link-failed', site, url, reason },
        'a node of a site cannot be reached for carrying',
      )
    }
  }
}
