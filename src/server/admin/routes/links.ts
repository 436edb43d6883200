/** Links between sites: cost, transport, rate and hours, and a rate that replaces the one of the topology. */
import * as z from 'zod'
import { formatHours } from '../../../topology/link-hours.ts'
import { linkLimit } from '../../../topology/link-limit.ts'
import { rateHint, readRate } from '../../../topology/link-rate.ts'
import type { Site } from '../../../topology/topology.ts'
import type { AdminContext } from '../admin-context.ts'
import { changedLinkSchema, type Link, linksSchema } from '../answers/topology.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { siteNamed, siteParameter, withRule } from '../parameters.ts'

type Context = Pick<AdminContext, 'topology' | 'linkRates' | 'clock'>

/** A topology of a thousand sites has half a million links. */
const LINKS_LISTED_MAX = 1_000

const RATE_FORM = '{"rate": "200Mbit"}, or {"rate": null} for the rate of the topology'
const RATE_RULE = { code: 'rate-invalid', expected: RATE_FORM }
const rateBody = withRule(
  z.strictObject({
    rate: withRule(z.string().nullable(), { code: 'rate-invalid', expected: `as in ${RATE_FORM}` }),
  }),
  RATE_RULE,
)

export function addLinkRoutes(routes: ApiRoutes, context: Context): void {
  routes.get(
    '/api/v1/links',
    {
      schema: {
        summary: 'Links between sites with their rates and hours',
        querystring: z.strictObject({
          site: siteParameter().optional().describe('Links of this site.'),
        }),
        response: { 200: linksSchema },
      },
    },
    async ({ query }) => {
      const wanted = siteNamed(context.topology, query.site)?.index
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
    },
  )

  routes.post(
    '/api/v1/links/:a/:b',
    {
      schema: {
        summary: 'Sets the rate of the link between two sites',
        params: z.strictObject({ a: z.string(), b: z.string() }),
        body: rateBody,
        response: { 200: changedLinkSchema },
      },
    },
    async ({ params, body }) => {
      const [a, b] = readLink(context, params)
      const share = await context.linkRates.set([a.name, b.name], rateOf(body.rate))
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
function rateOf(rate: string | null): number | undefined {
  if (rate === null) return undefined
  const bytesPerSecond = readRate(rate)
  if (bytesPerSecond !== undefined) return bytesPerSecond
  throw new ApiError(400, 'rate-invalid', `the body must be ${RATE_FORM}; ${rateHint(rate)}`)
}

function describe({ topology, linkRates, clock }: Context, a: Site, b: Site): Link {
  const link = topology.value.linkOf(a.index, b.index)
  const override = linkRates.overrideOf(a.name, b.name)
  const { isOpen, nextChangeMs, bytesPerSecond } = linkLimit(link, override?.bytesPerSecond, clock.nowMs())
  const isOverridden = override?.bytesPerSecond !== undefined
  return {
    between: [a.name, b.name],
    cost: topology.value.cost(a.index, b.index),
    carry: link.carry,
    rateBytesPerSecond: bytesPerSecond ?? null,
    rateFrom: bytesPerSecond === undefined ? null : isOverridden ? 'override' : 'topology',
    rateSetAt: isOverridden ? new Date(override.atMs).toISOString() : null,
    hours: link.hours === undefined ? null : formatHours(link.hours),
    isOpen,
    nextChangeAt: nextChangeMs === undefined ? null : new Date(nextChangeMs).toISOString(),
  }
}
