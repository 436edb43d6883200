/** A new topology as the swarm table needs it: its places, and the old ones in its numbers. */
import type { PlacesAfter } from '../swarm/new-places.ts'
import type { Topology } from '../topology/topology.ts'

/** Places and sites are the same if their names are. */
export function placesAfter(after: Topology, before: Topology): PlacesAfter {
  const siteAfter = (siteIndex: number) => after.siteNamed(before.sites[siteIndex]?.name ?? '')
  const bubbles = new Map(after.places.map(({ index, site, bubble }) => [`${site.name} ${bubble}`, index]))
  return {
    siteOfPlace: after.places.map((place) => place.site.index),
    locate: (address) => after.locate(address),
    siteAfter: (siteIndex) => siteAfter(siteIndex)?.index ?? -1,
    placeAfter: (placeIndex) => {
      const place = before.places[placeIndex]
      if (place === undefined) return -1
      const { site, bubble } = place
      return bubbles.get(`${site.name} ${bubble}`) ?? siteAfter(site.index)?.places[0]?.index ?? -1
    },
  }
}
