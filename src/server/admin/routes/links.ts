/** Links between sites: cost, transport, rate and hours, and a rate that replaces the one of the topology. */
import type { FastifyInstance } from 'fastify'
import { formatHours } from '../../../topology/link-hours.ts'
import { linkLimit } from '../../../topology/link-limit.ts'
import { rateHint, readRate } from '../../../topology/link-rate.ts'
import type { Site } from '../../../topology/topology.ts'
import type { AdminContext } from '../admin-context.ts'
import { ApiError, type Query, refuseUnknownParameters } from '../requests.ts'
import { readSite } from './swarms.ts'

type Context = Pick<AdminContext, 'topology' | 'linkRates' | 'clock'>

/** A topology of a thousand sites has half a million links. */
const LINKS_LISTED_MAX = 1_000

export function addLinkRoutes(routes: FastifyInstance, context: Context): void {
  routes.get<{ Querystring: Query }>('/api/v1/links', async ({ query }) => {
    refuseUnknownParameters(query, ['site'])
    const wanted = readSite(context, query['site'])
    const { sites } = context.topology.value
    const pairs = sites.flatMap((a) =>
      sites
        .slice(a.index + 1)
        .filter((b) => Number.isFinite(context.topology.value.cost(a.index, b.index)))
        .filter((b) => wanted === undefined || a.index === wanted || b.index === wanted)
        .map((b) => [a, b] as const),
    )
    return {
      total: pairs.length,
      links: pairs.slice(0, LINKS_LISTED_MAX).map(([a, b]) => describe(context, a, b)),
    }
  })

  routes.post<{ Params: { a: string; b: string }; Querystring: Query; Body: unknown }>(
    '/api/v1/links/:a/:b',
    async ({ params, query, body }) => {
      refuseUnknownParameters(query, [])
      const [a, b] = readLink(context, params)
      const share = await context.linkRates.set([a.name, b.name], readBody(body))
      return {
        ...describe(context, a, b),
        warnings:
          share === 'shared'
            ? []
            : [
                {
                  code: 'store-unavailable',
                  message:
                    'the store is down: this node and remote sites follow now, the other nodes of this site once the store is up',
                },
              ],
      }
    },
  )
}

function readLink(
  { topology }: Context,
  names: { readonly a: string; readonly b: string },
): readonly [Site, Site] {
  const [a, b] = [names.a, names.b].map((name) => topology.value.siteNamed(name))
  const missing = a === undefined ? names.a : names.b
  if (a === undefined || b === undefined)
    throw new ApiError(404, 'site-unknown', `there is no site ${JSON.stringify(missing)} in the topology`)
  if (a === b || !Number.isFinite(topology.value.cost(a.index, b.index)))
    throw new ApiError(404, 'link-unknown', `there is no link between ${a.name} and ${b.name}`)
  if (topology.value.carryOf(a.index, b.index) === 'direct')
    throw new ApiError(
      409,
      'carry-direct',
      `no node carries content between ${a.name} and ${b.name}, so a rate has no effect; see carry in the topology`,
    )
  return [a, b]
}

/** Bytes per second; undefined where the rate of the topology applies again. */
function readBody(body: unknown): number | undefined {
  const keys = typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.keys(body) : []
  const rate: unknown = keys.length === 1 && keys[0] === 'rate' ? (body as { rate: unknown }).rate : undefined
  if (rate === null) return undefined
  const bytesPerSecond = typeof rate === 'string' ? readRate(rate) : undefined
  if (bytesPerSecond !== undefined) return bytesPerSecond
  const expected = 'the body must be {"rate": "200Mbit"}, or {"rate": null} for the rate of the topology'
  throw new ApiError(400, 'rate-invalid', rate === undefined ? expected : `${expected}; ${rateHint(rate)}`)
}

function describe({ topology, linkRates, clock }: Context, a: Site, b: Site) {
  const link = topology.value.linkOf(a.index, b.index)
  const override = linkRates.overrideOf(a.name, b.name)
  const { isOpen, nextChangeMs, bytesPerSecond } = linkLimit(link, override?.bytesPerSecond, clock.nowMs())
  const isOverridden = override?.bytesPerSecond !== undefined
  return {
    between: [a.name, b.name],
    cost: topology.value.cost(a.index, b.index),
    carry: link.carry,
    /** Of each direction; null: not limited. */
    rateBytesPerSecond: bytesPerSecond ?? null,
    rateFrom: bytesPerSecond === undefined ? null : isOverridden ? 'override' : 'topology',
    rateSetAt: isOverridden ? new Date(override.atMs).toISOString() : null,
    hours: link.hours === undefined ? null : formatHours(link.hours),
    isOpen,
    nextChangeAt: nextChangeMs === undefined ? null : new Date(nextChangeMs).toISOString(),
  }
}
