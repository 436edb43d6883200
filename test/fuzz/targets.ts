/** All parsers of bytes from outside. A new one gets a line here, and its target a file in targets/. */
import type { FuzzTarget } from './fuzz-target.ts'
import { bencode } from './targets/bencode.ts'
import { federationMessages } from './targets/federation.ts'
import { configurationFile, tokenFile, topologyFile } from './targets/files.ts'
import { forwardingHeaders, proxyHeader, rangeHeader } from './targets/http-headers.ts'
import { carrierLink, peerProtocol } from './targets/peers.ts'
import { appliedRecords, siteRecords, storeValues } from './targets/site-records.ts'
import { magnet, torrentFile, trackerResponse } from './targets/torrents.ts'
import { announceHead, announceToken, httpAnnounce, httpScrape } from './targets/tracker-http.ts'
import { udpRequest, udpResponse } from './targets/tracker-udp.ts'

export const fuzzTargets: readonly FuzzTarget[] = [
  httpAnnounce,
  httpScrape,
  announceHead,
  announceToken,
  udpRequest,
  udpResponse,
  bencode,
  peerProtocol,
  siteRecords,
  appliedRecords,
  storeValues,
  federationMessages,
  carrierLink,
  topologyFile,
  configurationFile,
  tokenFile,
  rangeHeader,
  forwardingHeaders,
  proxyHeader,
  torrentFile,
  magnet,
  trackerResponse,
]
