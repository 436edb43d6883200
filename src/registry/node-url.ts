/**
 * Where the nodes behind a tracker URL are found over HTTP: what stands before `/announce` is theirs, and with it
 * the torrents and web seeds that they serve on the same listener.
 */
import { createHash } from 'node:crypto'
import { announceTiers } from '../topology/announce-tiers.ts'
import type { Place, Site, Topology } from '../topology/topology.ts'

/** Of those that clients of this place are told of, nearest first; undefined where none speaks HTTP. */
export function nearestNodeUrl(topology: Topology, place: Place): string | undefined {
  return announceTiers(topology, place)
    .flat()
    .map(nodeUrl)
    .find((url) => url !== undefined)
}

/**
 * The one node that fetches this torrent for a site, the same from every node's point of view: the torrents are
 * spread over the nodes of the site, and the budget of one torrent is in one place. Nodes of other sites are never
 * asked: undefined where the site has no HTTP tracker of its own.
 */
export function fetchingNodeUrl(site: Site, infoHash: Buffer): string | undefined {
  let chosen: string | undefined
  let weightMax = ''
  for (const tracker of [...site.trackers, ...site.places.flatMap((place) => place.trackers)]) {
    const url = nodeUrl(tracker)
    if (url === undefined) continue
    // Highest random weight: a node more or less moves only its own share of the torrents.
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
