/** The current topology, and the place of an address in it. */
import * as z from 'zod'
import type { CurrentTopology } from '../../../topology/current-topology.ts'
import { bubbleName, siteName } from '../answer-fields.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { addressParameter, withRule } from '../parameters.ts'

/** A request target has at most 16 KiB, which are about 400 IPv6 addresses. */
const ADDRESSES_MAX = 1_000

const topologySchema = z.object({
  topologyHash: z.string().describe('The same on all nodes with a file of the same meaning.'),
  unmapped: z.string().describe('refuse, isolate, or the site of addresses outside of all prefixes.'),
  sites: z.array(
    z.object({
      site: z.string(),
      region: z.string().nullable(),
      gateways: z.union([z.literal('auto'), z.int()]),
      trackers: z.array(z.string()),
      federation: z.array(z.string()).describe('Admin listeners of its nodes.'),
      fallback: z
        .array(z.string())
        .describe('Trackers for clients of this site while its own do not answer.'),
      bubbles: z.array(z.object({ bubble: z.string(), trackers: z.array(z.string()) })),
      costs: z.record(z.string(), z.number()).describe('Cost of a byte to each other site.'),
    }),
  ),
})

const locatedSchema = z.array(
  z.object({
    address: z.string(),
    site: siteName(),
    bubble: bubbleName(),
    prefix: z.string().nullable().describe('null if no prefix contains the address.'),
  }),
)

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
