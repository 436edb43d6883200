/**
 * The nodes of sites, as far as their URLs show them. A node has one host name or address, and all its URLs have that
 * host; several nodes on one machine, as in a demonstration, differ in the port of a loopback address.
 */
import { endpointOfUrl, isLoopbackHost } from './tracker-url.ts'

/** Host of a node; with the port, if it is a loopback address. */
function nodeOf(url: string): string | undefined {
  const endpoint = endpointOfUrl(url)
  if (endpoint === undefined) return undefined
  return isLoopbackHost(endpoint.host) ? endpointName(url) : endpoint.host
}

/** `t1.example:6969`, equal for the HTTP and the UDP listener of a node. */
export function endpointName(url: string): string | undefined {
  const endpoint = endpointOfUrl(url)
  return endpoint && `${endpoint.host}:${endpoint.port}`
}

/**
 * Distinct nodes behind the URLs of a site. Protocols are counted apart, because the listeners of one node may have
 * different ports.
 */
export function nodesOf(urls: readonly string[]): string[] {
  const byScheme = new Map<string, Set<string>>()
  for (const url of urls) {
    const node = nodeOf(url)
    const scheme = url.slice(0, url.indexOf(':'))
    if (node !== undefined) byScheme.set(scheme, (byScheme.get(scheme) ?? new Set()).add(node))
  }
  const most = [...byScheme.values()].toSorted((a, b) => b.size - a.size)[0]
  return [...(most ?? [])]
}

export interface SiteUrls {
  readonly site: string
  /** Of the site and its bubbles. */
  readonly trackers: readonly string[]
}

/** Sites that share a tracker, directly or through others, are served by the same nodes. Omits sites without trackers. */
export function sitesByNodes(sites: readonly SiteUrls[]): string[][] {
  const root = sites.map((_, index) => index)
  const rootOf = (index: number): number => {
    const parent = root[index] ?? index
    return parent === index ? index : rootOf(parent)
  }
  const firstWith = new Map<string, number>()
  const groups = new Map<number, string[]>()
  for (const [index, { trackers }] of sites.entries())
    for (const endpoint of trackers.flatMap((url) => endpointName(url) ?? [])) {
      const other = firstWith.get(endpoint)
      if (other === undefined) firstWith.set(endpoint, index)
      // The earlier root stays, so chains end at the first site of a group.
      else root[Math.max(rootOf(index), rootOf(other))] = Math.min(rootOf(index), rootOf(other))
    }
  for (const [index, { site, trackers }] of sites.entries())
    if (trackers.length > 0) {
      const group = groups.get(rootOf(index)) ?? []
      groups.set(rootOf(index), [...group, site])
    }
  return [...groups.values()]
}
