/**
 * HTTP base URL of the nodes behind a tracker URL: the part before `/announce`. The nodes serve torrents and web seeds on
 * the same listener.
 */
import { createHash } from 'node:crypto'
import { announceTiers } from '../topology/announce-tiers.ts'
import type { Place, Site, Topology } from '../topology/topology.ts'

/** Base URL of the nearest tracker of clients of this place; undefined if none of their trackers uses HTTP. */
export function nearestNodeUrl(topology: Topology, place: Place): string | undefined {
  return announceTiers(topology, place)
    .flat()
    .map(nodeUrl)
    .find((url) => url !== undefined)
}

/**
 * The one node that fetches this torrent for a site. All nodes choose the same one: the torrents are spread over the
 * nodes of the site, and one node keeps the budget of one torrent. undefined if the site has no HTTP tracker of its own,
 * because nodes of other sites never fetch for it.
 */
export function fetchingNodeUrl(site: Site, infoHash: Buffer): string | undefined {
  let chosen: string | undefined
  let weightMax = ''
  for (const tracker of [...site.trackers, ...site.places.flatMap((place) => place.trackers)]) {
    const url = nodeUrl(tracker)
    if (url === undefined) continue
    // Rendezvous hashing: adding or removing a node moves only its own share of the torrents.
    const weight = createHash('sha1').update(infoHash).update(url).digest('hex')
    if (weight <= weightMax) continue
    weightMax = weight
    chosen = url
  }
  return chosen
}

function nodeUrl(tracker: string): string | undefined {
  return /^(https?:\/\/[^?#]*?)\/announce(?:[/?].*)?$/i.exec(tracker)?.[1]
}
