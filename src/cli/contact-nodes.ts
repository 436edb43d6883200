/**
 * Contacts the nodes that a topology names, without announcing: resolves each host name, scrapes each tracker, and reads
 * the greeting of each admin listener.
 *
 * The run is bounded: each URL has a deadline, and so has the whole; a resolver or a firewall that drops everything
 * delays the command by the second one.
 */
import { lookup } from 'node:dns/promises'
import { TrackerUnreachable } from '../client/http-request.ts'
import { elapsedMs } from '../core/clock.ts'
import { INFO_HASH_BYTES } from '../core/info-hash.ts'
import { describeNetworkError } from '../core/network-errors.ts'
import type { SiteCredentials } from '../core/site-credentials.ts'
import { readHello } from '../federation/hello.ts'
import type { Topology } from '../topology/topology.ts'
import { scrapeTracker } from './scrape-tracker.ts'

/** Two datagrams of a UDP client, which are 5 s apart. */
const DEADLINE_MS = 6_000
const TOTAL_DEADLINE_MS = 30_000
/** A thousand URLs that all time out take ten rounds of the deadline; most plans have dozens. */
const AT_THE_SAME_TIME = 100

export interface Target {
  readonly url: string
  readonly kind: 'tracker' | 'federation'
  /** Sites that list the URL; none for the fallback tier. */
  readonly sites: readonly string[]
}

export interface Contact extends Target {
  /** Of the host name; empty if it has none. */
  readonly addresses: readonly string[]
  /** Something responds. */
  readonly isReachable: boolean
  /** What responds is the expected tracker or node. */
  readonly isOk: boolean
  /** A sentence without its subject. */
  readonly result: string
  readonly elapsedMs: number
}

export interface OwnFederation {
  readonly site: string
  readonly credentials: SiteCredentials
  /** The file with the authorities of the other nodes; undefined for those that Node trusts. */
  readonly authorityPath: string | undefined
}

export interface ContactOptions {
  /** Of the node; undefined without a configuration, and if the node is not federated. */
  readonly federation: OwnFederation | undefined
  readonly version: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly deadlineMs?: number
  readonly totalDeadlineMs?: number
}

/** Each URL of the topology once, in file order. */
export function targetsOf(topology: Topology): Target[] {
  const targets = new Map<string, Target & { readonly sites: string[] }>()
  const add = (url: string, kind: Target['kind'], site: string | undefined) => {
    const key = `${kind} ${url}`
    const target = targets.get(key) ?? { url, kind, sites: [] }
    targets.set(key, target)
    if (site !== undefined && !target.sites.includes(site)) target.sites.push(site)
  }
  for (const site of topology.sites) {
    const trackers = [...site.trackers, ...site.places.flatMap((place) => place.trackers)]
    for (const url of trackers) add(url, 'tracker', site.name)
    for (const url of site.federation) add(url, 'federation', site.name)
  }
  for (const site of topology.sites)
    for (const url of topology.fallbackTrackers(site)) add(url, 'tracker', undefined)
  return [...targets.values()]
}

/** Results in the order of the targets. */
export async function contactNodes(
  targets: readonly Target[],
  options: ContactOptions,
): Promise<readonly Contact[]> {
  const { signal, totalDeadlineMs = TOTAL_DEADLINE_MS } = options
  const whole = AbortSignal.any([signal, AbortSignal.timeout(totalDeadlineMs)])
  const waiting = [...targets.entries()]
  const contacts: Contact[] = []
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      contacts[next[0]] = await contact(next[1], { ...options, signal: whole })
  }
  await Promise.all(Array.from({ length: AT_THE_SAME_TIME }, work))
  return contacts
}

type Outcome = Pick<Contact, 'isReachable' | 'isOk' | 'result'>

async function contact(target: Target, options: ContactOptions): Promise<Contact> {
  const startMs = elapsedMs()
  const { deadlineMs = DEADLINE_MS } = options
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(deadlineMs)])
  let addresses: readonly string[] = []
  let outcome: Outcome
  try {
    addresses = await resolve(new URL(target.url).hostname, signal)
    outcome =
      target.kind === 'tracker'
        ? await contactTracker(target.url, { ...options, signal })
        : await contactNode(target, { ...options, signal })
  } catch (error) {
    const late = options.signal.aborted
      ? 'no response before the check ended'
      : `no response within ${deadlineMs / 1000} s`
    const authorityPath = target.kind === 'federation' ? options.federation?.authorityPath : undefined
    const reason =
      error instanceof TrackerUnreachable
        ? error.message
        : describeNetworkError(error, options.environment, authorityPath)
    outcome = unreachable(signal.aborted ? late : reason)
  }
  return { ...target, addresses, ...outcome, elapsedMs: elapsedMs() - startMs }
}

async function resolve(hostname: string, signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted()
  const aborted = new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
  const found = await Promise.race([lookup(hostname.replace(/^\[|\]$/g, ''), { all: true }), aborted])
  return found.map(({ address }) => address)
}

/** A torrent without peers: its counts are 0, and an open tracker does not create a swarm for a scrape. */
const NO_TORRENT = Buffer.alloc(INFO_HASH_BYTES)

async function contactTracker(url: string, { version, signal }: ContactOptions): Promise<Outcome> {
  const { read, status } = await scrapeTracker({
    url: new URL(url),
    infoHashes: [NO_TORRENT],
    from: undefined,
    version,
    signal,
  })
  if (read.failureReason !== null) return reached(true, `a tracker, which responds: ${read.failureReason}`)
  if (read.isUsable) return reached(true, 'a tracker')
  return reached(false, `does not respond as a tracker${status === null ? '' : ` (status ${status})`}`)
}

/** With a token or certificate, the greeting of the node; without one, its readiness, which needs none. */
async function contactNode({ url, sites }: Target, { federation, signal }: ContactOptions): Promise<Outcome> {
  if (federation === undefined) return contactAdmin(url, signal)
  const { credentials, site: ownSite } = federation
  const { status, site, certifiedSite } = await readHello({ url, site: ownSite, credentials, signal })
  if (status === 401) return reached(false, rejection(url, credentials))
  if (status === 403) return reached(false, 'a node without federation.token, federation.tls and admin.token')
  if (status === 404) return reached(false, 'a node without federation.token and federation.tls')
  if (site === undefined) return reached(false, `does not respond as a node (status ${status})`)
  const expected = sites.join(' and ')
  if (!sites.includes(site)) return reached(false, `a node of site ${site}, not of ${expected}`)
  // Other nodes would not connect to it.
  if (certifiedSite !== undefined && certifiedSite !== site)
    return reached(false, `a node of site ${site} with a certificate of site ${certifiedSite}`)
  return reached(true, `a node of site ${site}`)
}

function rejection(url: string, { token, pair }: SiteCredentials): string {
  const isPresented = pair !== undefined && url.startsWith('https:')
  if (isPresented && token !== undefined)
    return 'a node that rejects this federation.token and the certificate in federation.tls'
  if (isPresented) return 'a node that rejects the certificate in federation.tls'
  if (token !== undefined) return 'a node that rejects this federation.token'
  return 'a node that needs a certificate, which this one presents at https:// URLs only'
}

async function contactAdmin(url: string, signal: AbortSignal): Promise<Outcome> {
  const target = new URL('readyz', url.endsWith('/') ? url : `${url}/`)
  const response = await fetch(target, { redirect: 'manual', signal })
  const text = (await response.text()).trim().split('\n', 1)[0] ?? ''
  if (response.status === 200) return reached(true, 'a node that is ready')
  if (response.status === 503) return reached(true, `a node that is not ready: ${text}`)
  if (response.status === 403)
    return reached(false, 'a node without admin.token, which answers its own machine only')
  return reached(false, `does not respond as a node (status ${response.status})`)
}

const reached = (isOk: boolean, result: string): Outcome => ({ isReachable: true, isOk, result })

const unreachable = (result: string): Outcome => ({ isReachable: false, isOk: false, result })
