/** Configuration and topology that are both valid, but contradict each other. */
import { parseAddress } from '../core/address.ts'
import type { Problem } from '../core/errors.ts'
import { isPrefixProblem, readPrefix } from '../topology/prefix.ts'
import type { TopologyFile } from '../topology/schema.ts'
import { nodesOf } from '../topology/site-nodes.ts'
import type { Topology } from '../topology/topology.ts'
import { endpointOfUrl, isLoopbackHost } from '../topology/tracker-url.ts'
import type { NodeConfig, ReadConfig } from './load-config.ts'
import { listed } from './placed-values.ts'

type SiteFile = TopologyFile['sites'][string]

/** What the checks read; `config` is without problems. */
interface Checked {
  readonly read: ReadConfig
  readonly config: NodeConfig
  readonly sites: TopologyFile['sites']
  readonly links: TopologyFile['links']
  readonly topology: Topology
  /** The own site of the node; undefined if the topology does not have it. */
  readonly own: SiteFile | undefined
}

export function nodeWarnings(
  read: ReadConfig,
  config: NodeConfig,
  { file: { sites, links }, topology }: { readonly file: TopologyFile; readonly topology: Topology },
): Problem[] {
  const checked = {
    read,
    config,
    sites,
    links,
    topology,
    own: Object.hasOwn(sites, config.site) ? sites[config.site] : undefined,
  }
  return [
    ...federationWarnings(checked),
    ...plainFederationWarnings(checked),
    ...storeWarnings(checked),
    ...familyWarnings(checked),
    ...adminWarnings(checked),
    ...carrierWarnings(checked),
    ...peerListenerWarnings(checked),
    ...tlsWarnings(checked),
  ]
}

/** Federation needs both halves: the URLs of the sites in the topology, and the token or certificate in the configuration. */
function federationWarnings({ read, config: { site, federation }, sites }: Checked): Problem[] {
  const federated = Object.entries(sites)
    .filter(([, each]) => each.federation.length > 0)
    .map(([name]) => name)
  const others = federated.filter((name) => name !== site)
  const warn = (key: string, message: string, hint: string) => [
    read.problemAt([key], { message: `warning: ${message}`, hint }),
  ]
  if (federation.token === undefined && federation.tls === undefined)
    return federated.length === 0
      ? []
      : warn(
          'site',
          `the topology has federation URLs (${listed(federated)}), but this node has neither federation.token nor federation.tls: it exchanges nothing with other sites`,
          'set federation.token or federation.tokenFile to the same token in all sites, or federation.tls',
        )
  if (others.length === 0)
    return warn(
      'federation',
      `federation.${federation.tls === undefined ? 'token' : 'tls'} is set, but no other site has federation URLs in the topology`,
      'list the admin listeners of its nodes under federation of each site',
    )
  if (!federated.includes(site))
    return warn(
      'federation',
      `this node receives updates from other sites (${listed(others)}), but ${site} has no federation URLs in the topology: no other site receives its own`,
      `list the admin listeners of its nodes under federation of ${site}`,
    )
  return []
}

/** A certificate is presented over TLS only. */
function plainFederationWarnings({ read, config: { site, federation }, sites }: Checked): Problem[] {
  if (federation.tls === undefined || federation.token !== undefined) return []
  const plain = Object.entries(sites)
    .filter(([name]) => name !== site)
    .flatMap(([, each]) => each.federation.filter((url) => url.startsWith('http:')))
  if (plain.length === 0) return []
  return [
    read.problemAt(['federation', 'tls'], {
      message: `warning: the topology has plain federation URLs of other sites (${listed(plain)}), over which this node cannot present its certificate`,
      hint: 'write https:// in the topology, or set federation.token too',
    }),
  ]
}

/** With `store: memory`, the nodes of a site hand out different peers, each only those that announced to it. */
function storeWarnings({ read, config, own }: Checked): Problem[] {
  if (config.store.kind !== 'memory' || own === undefined) return []
  const [trackers, admins] = [nodesOf(trackersOf(own)), nodesOf(own.federation)]
  const nodes = admins.length > trackers.length ? admins : trackers
  if (nodes.length < 2) return []
  return [
    read.problemAt(read.valueAt(['store']) === undefined ? ['site'] : ['store'], {
      message: `warning: site "${config.site}" has ${nodes.length} nodes (${listed(nodes)}), but store: memory is for one: each knows only the peers that announce to it`,
      hint: 'set store to a Redis that all nodes of the site share',
    }),
  ]
}

/** A listener of one family leaves the clients of the other one without a tracker. */
function familyWarnings({ read, config, own }: Checked): Problem[] {
  if (own === undefined) return []
  const prefixes = [own, ...Object.values(own.bubbles)].flatMap(({ cidrs }) => cidrs)
  const schemes = new Set(trackersOf(own).map((url) => url.slice(0, url.indexOf(':'))))
  return (['http', 'udp'] as const).flatMap((protocol) => {
    const { host, port } = config.listen[protocol]
    const isUsed = schemes.size === 0 || [...schemes].some((scheme) => scheme.startsWith(protocol))
    // Clients of the other family reach the HTTP listener through a proxy.
    const isProxied = protocol === 'http' && config.trustedProxies.length > 0
    if (host === '::' || !isUsed || isProxied) return []
    const isV4 = parseAddress(host)?.isV4 === true
    const unserved = prefixes.find((text) => {
      const prefix = readPrefix(text)
      return !isPrefixProblem(prefix) && prefix.start.isV4 !== isV4
    })
    if (unserved === undefined) return []
    const [family, other] = isV4 ? ['IPv4', 'IPv6'] : ['IPv6', 'IPv4']
    const key = ['listen', protocol]
    return [
      read.problemAt(read.valueAt(key) === undefined ? ['site'] : key, {
        kind: 'listener-family',
        message: `warning: site "${config.site}" has ${other} prefixes (${unserved}), but listen.${protocol} accepts ${family} only`,
        hint: `write "[::]:${port}" for both`,
      }),
    ]
  })
}

/** A TLS proxy in front of a loopback listener is fine; a plain URL with the port of that listener is not. */
function adminWarnings({ read, config: { site, listen }, own }: Checked): Problem[] {
  const address = parseAddress(listen.admin.host)
  const isLoopback = address?.isV4 === true ? address.word3 >>> 24 === 127 : listen.admin.host === '::1'
  const unreachable = own?.federation.find((url) => {
    const endpoint = endpointOfUrl(url)
    return endpoint !== undefined && !isLoopbackHost(endpoint.host) && endpoint.port === listen.admin.port
  })
  if (!isLoopback || unreachable === undefined) return []
  return [
    read.problemAt(read.valueAt(['listen', 'admin']) === undefined ? ['site'] : ['listen', 'admin'], {
      message: `warning: the topology sends other sites to ${unreachable}, but listen.admin of this node of ${site} is ${listen.admin.host}, which only this machine reaches`,
      hint: `write "[::]:${listen.admin.port}", and set admin.token`,
    }),
  ]
}

/** Without observers a node carries nothing; a link that asks for it is an oversight. */
function carrierWarnings({ read, config: { site, observe }, links }: Checked): Problem[] {
  const link = links.find(
    ({ between, carry, rate, hours }) =>
      between.includes(site) &&
      carry !== 'direct' &&
      (carry === 'nodes' || rate !== undefined || hours !== undefined),
  )
  if (observe.connections > 0 || link === undefined) return []
  return [
    read.problemAt(['observe', 'connections'], {
      message: `warning: observe.connections is 0, so this node carries nothing, but the topology has carry, rate or hours for the link between ${link.between.join(' and ')}`,
      hint: 'remove observe.connections, or write carry: direct for the links of this site',
    }),
  ]
}

/** Clients are given the address of this listener only if it is an address of their site. */
function peerListenerWarnings({ read, config: { site, listen, observe }, topology }: Checked): Problem[] {
  const address = parseAddress(listen.peers.host)
  const isWildcard = listen.peers.host === '0.0.0.0' || listen.peers.host === '::'
  if (address === undefined || isWildcard || observe.connections === 0) return []
  const found = topology.match(address)?.place.site.name
  if (found === site) return []
  const where =
    found === undefined ? 'no prefix of the topology contains' : `the topology maps to site ${found}`
  return [
    read.problemAt(read.valueAt(['listen', 'peers']) === undefined ? ['site'] : ['listen', 'peers'], {
      kind: 'peer-listener-outside',
      message: `warning: listen.peers is ${listen.peers.host}, which ${where}: clients of ${site} that cannot be dialled are not given it`,
      hint: `write "[::]:${listen.peers.port}", or an address of this machine in site ${site}`,
    }),
  ]
}

/** A listener with TLS accepts no plain connection. */
function tlsWarnings({ read, config: { site, listen }, own }: Checked): Problem[] {
  if (listen.tls === undefined || own === undefined) return []
  const isPlainAt = (port: number) => (url: string) =>
    url.startsWith('http:') && endpointOfUrl(url)?.port === port
  const plain = [
    ...trackersOf(own).filter(isPlainAt(listen.http.port)),
    ...own.federation.filter(isPlainAt(listen.admin.port)),
  ]
  if (plain.length === 0) return []
  return [
    read.problemAt(['listen', 'tls'], {
      message: `warning: listen.tls is set, but the topology has plain URLs of nodes of ${site} (${listed(plain)}), which a listener with TLS does not answer`,
      hint: 'write https:// in the topology, or remove listen.tls if a proxy in front of the node ends TLS',
    }),
  ]
}

function trackersOf(site: SiteFile): string[] {
  return [...site.trackers, ...Object.values(site.bubbles).flatMap(({ trackers }) => trackers)]
}
