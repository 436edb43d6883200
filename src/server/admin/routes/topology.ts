/** The current topology, and the place of an address in it. */
import type { FastifyInstance } from 'fastify'
import type { CurrentTopology } from '../../../topology/current-topology.ts'
import { type Query, readAddress } from '../requests.ts'

export function addTopologyRoutes(routes: FastifyInstance, current: CurrentTopology): void {
  routes.get('/api/v1/topology', async () => {
    const topology = current.value
    return {
      hash: topology.hash,
      unmapped: topology.unmapped,
      sites: topology.sites.map((site) => ({
        name: site.name,
        region: site.region ?? null,
        gateways: site.gateways,
        trackers: site.trackers,
        fallback: topology.fallbackTrackers(site),
        bubbles: site.places.map((place) => ({ name: place.bubble, trackers: place.trackers })),
        costs: Object.fromEntries(
          topology.sites
            .filter((other) => other !== site && Number.isFinite(topology.cost(site.index, other.index)))
            .map((other) => [other.name, topology.cost(site.index, other.index)]),
        ),
      })),
    }
  })

  routes.get<{ Querystring: Query }>('/api/v1/locate', async (request) => {
    const ip = request.query['ip']
    const texts = typeof ip === 'object' ? ip : [ip]
    return texts.map((text) => {
      const address = readAddress(text)
      const match = current.value.match(address)
      return {
        ip: address.toString(),
        site: match?.place.site.name ?? null,
        bubble: match?.place.bubble ?? null,
        prefix: match?.prefix ?? null,
      }
    })
  })
}
