/** One scrape, over the protocol of the URL: for `scrape`, and for `check --online`. */
import { requestTracker } from '../client/http-request.ts'
import { readScrapeResponse, type ScrapeResponse } from '../client/scrape-response.ts'
import { scrapeOverUdp } from '../client/udp-tracker.ts'
import { UsageError } from '../client/usage-error.ts'
import { writeScrape } from '../wire/http/scrape.ts'
import { withQuery } from './tracker-arguments.ts'

export interface ScrapeRequest {
  readonly url: URL
  readonly infoHashes: readonly Buffer[]
  /** Local address; the system's choice if undefined. */
  readonly from: string | undefined
  readonly version: string
  readonly signal: AbortSignal
}

export interface Scraped {
  readonly read: ScrapeResponse
  /** The URL of the request. */
  readonly requested: string
  /** null over UDP, which has none. */
  readonly status: number | null
  readonly elapsedMs: number
}

/** Rejects with `TrackerUnreachable` or `UsageError`. */
export async function scrapeTracker(request: ScrapeRequest): Promise<Scraped> {
  const { url, infoHashes, from, version, signal } = request
  if (url.protocol === 'udp:') {
    return { requested: url.href, status: null, ...(await scrapeOverUdp({ url, from, signal }, infoHashes)) }
  }
  const target = withQuery(scrapeUrl(url), writeScrape(infoHashes))
  const response = await requestTracker({ url: target, from, version, signal })
  const { status, elapsedMs } = response
  return { read: readScrapeResponse(response, infoHashes), requested: response.url, status, elapsedMs }
}

/** BEP 48: `scrape` replaces `announce`. The part after it, such as a token of siteswarm, stays. */
function scrapeUrl(url: URL): URL {
  const { pathname } = url
  if (pathname.includes('/scrape')) return url
  const at = pathname.lastIndexOf('/announce')
  if (at < 0) {
    throw new UsageError(`${url.href}: expected /announce or /scrape in its path; clients scrape no other`)
  }
  const derived = new URL(url)
  derived.pathname = `${pathname.slice(0, at)}/scrape${pathname.slice(at + '/announce'.length)}`
  return derived
}
