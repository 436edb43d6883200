/** The current topology, and the place of an address in it. */
import * as z from 'zod'
import type { CurrentTopology } from '../../../topology/current-topology.ts'
import { locatedSchema, topologySchema } from '../answers/topology.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { addressParameter, withRule } from '../parameters.ts'

/** A request target has at most 16 KiB, which are about 400 IPv6 addresses. */
const ADDRESSES_MAX = 1_000

export function addTopologyRoutes(routes: ApiRoutes, current: CurrentTopology): void {
  routes.get(
    '/api/v1/topology',
    {
      schema: {
        summary: 'The sites with their bubbles, trackers and costs',
        response: { 200: topologySchema },
      },
    },
    async () => {
      const topology = current.value
      return {
        topologyHash: topology.hash,
        unmapped: topology.unmapped,
        sites: topology.sites.map((site) => ({
          site: site.name,
          region: site.region ?? null,
          gateways: site.gateways,
          trackers: [...site.trackers],
          federation: [...site.federation],
          fallback: [...topology.fallbackTrackers(site)],
          bubbles: site.places.map((place) => ({ bubble: place.bubble, trackers: [...place.trackers] })),
          costs: Object.fromEntries(
            topology.sites
              .filter((other) => other !== site && Number.isFinite(topology.cost(site.index, other.index)))
              .map((other) => [other.name, topology.cost(site.index, other.index)]),
          ),
        })),
      }
    },
  )

  routes.get(
    '/api/v1/locate',
    {
      schema: {
        summary: 'Site, bubble and prefix of addresses',
        querystring: z.strictObject({ ip: addressesParameter().describe('May be repeated.') }),
        response: { 200: locatedSchema },
      },
    },
    async (request) =>
      request.query.ip.map((address) => {
        const match = current.value.match(address)
        return {
          address: address.toString(),
          site: match?.place.site.name ?? null,
          bubble: match?.place.bubble ?? null,
          prefix: match?.prefix ?? null,
        }
      }),
  )
}

/** One value of a repeated parameter is a text, several are a list. */
function addressesParameter() {
  const address = addressParameter()
  return withRule(
    z.preprocess(
      (given) => (typeof given === 'string' ? [given] : given),
      z.array(address).min(1).max(ADDRESSES_MAX),
    ),
    { code: 'ip-invalid', expected: 'one IPv4 or IPv6 address' },
  )
}
