/**
 * All parsers of bytes from outside. A new one gets a line here, and its target a file in targets/. Each is loaded on its own: a
 * reading of the coverage visits all functions of the process.
 */
import type { FuzzTarget } from './fuzz-target.ts'

const trackerHttp = () => import('./targets/tracker-http.ts')
const trackerUdp = () => import('./targets/tracker-udp.ts')
const siteRecords = () => import('./targets/site-records.ts')
const siteReports = () => import('./targets/site-reports.ts')
const peers = () => import('./targets/peers.ts')
const files = () => import('./targets/files.ts')
const httpHeaders = () => import('./targets/http-headers.ts')
const torrents = () => import('./targets/torrents.ts')

const targets: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  'http-announce': async () => (await trackerHttp()).httpAnnounce,
  'http-scrape': async () => (await trackerHttp()).httpScrape,
  'announce-head': async () => (await trackerHttp()).announceHead,
  'announce-token': async () => (await trackerHttp()).announceToken,
  'udp-request': async () => (await trackerUdp()).udpRequest,
  'udp-response': async () => (await trackerUdp()).udpResponse,
  bencode: async () => (await import('./targets/bencode.ts')).bencode,
  'peer-protocol': async () => (await peers()).peerProtocol,
  'site-records': async () => (await siteRecords()).siteRecords,
  'applied-records': async () => (await siteRecords()).appliedRecords,
  'store-values': async () => (await siteRecords()).storeValues,
  'store-replies': async () => (await import('./targets/store-replies.ts')).storeReplies,
  'federation-messages': async () => (await import('./targets/federation.ts')).federationMessages,
  'site-reports': async () => (await siteReports()).siteReports,
  'rollout-records': async () => (await siteReports()).rolloutRecords,
  'carrier-link': async () => (await peers()).carrierLink,
  'admin-requests': async () => (await import('./targets/admin-requests.ts')).adminRequests,
  'topology-file': async () => (await files()).topologyFile,
  'configuration-file': async () => (await files()).configurationFile,
  'token-file': async () => (await files()).tokenFile,
  'range-header': async () => (await httpHeaders()).rangeHeader,
  'forwarding-headers': async () => (await httpHeaders()).forwardingHeaders,
  'proxy-header': async () => (await httpHeaders()).proxyHeader,
  'torrent-file': async () => (await torrents()).torrentFile,
  magnet: async () => (await torrents()).magnet,
  'tracker-response': async () => (await torrents()).trackerResponse,
}

export const targetNames: readonly string[] = Object.keys(targets)

export function loadTarget(name: string): Promise<FuzzTarget> {
  const load = targets[name]
  if (load === undefined) throw new Error(`there is no target ${name}`)
  return load()
}
