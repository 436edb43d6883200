/** The peers of one torrent with their progress, in pages and filtered. */
import * as z from 'zod'
import { formatInfoHash } from '../../../core/info-hash.ts'
import type { PeerObservation } from '../../../swarm/observed-peers.ts'
import { flags } from '../../../swarm/peer-rows.ts'
import type { Role } from '../../../swarm/peer-state.ts'
import type { Swarm } from '../../../swarm/swarm.ts'
import type { AdminContext } from '../admin-context.ts'
import { peersSchema, REACHABILITIES, ROLES } from '../answers/peers.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { limitParameter } from '../page.ts'
import {
  infoHashParameter,
  oneOf,
  readAs,
  siteNamed,
  siteParameter,
  text,
  wholeNumber,
} from '../parameters.ts'
import { progressOf, reachabilityOf } from '../peer-progress.ts'
import { describePeer } from '../shown-peer.ts'
import { findSwarm } from './swarms.ts'

/** No name of a bubble is longer. */
const BUBBLE_CHARACTERS_MAX = 255

type Context = Pick<AdminContext, 'topology' | 'tracker' | 'table' | 'clock'>

interface Filter {
  readonly siteIndex: number | undefined
  readonly bubble: string | undefined
  readonly role?: Role | undefined
  readonly reachability?: PeerObservation['reachability'] | undefined
  readonly below?: number | undefined
}

export function addSwarmPeersRoute(routes: ApiRoutes, context: Context): void {
  routes.get(
    '/api/v1/swarms/:infoHash/peers',
    {
      schema: {
        summary: 'Peers of a swarm with their progress',
        params: z.strictObject({ infoHash: infoHashParameter() }),
        querystring: z.strictObject({
          site: siteParameter().optional(),
          bubble: text(
            { code: 'bubble-unknown', expected: 'the name of one bubble' },
            BUBBLE_CHARACTERS_MAX,
          ).optional(),
          role: oneOf('role', ROLES).optional(),
          reachability: oneOf('reachability', REACHABILITIES).optional(),
          below: percentage()
            .optional()
            .describe('Peers with less than this percentage; those of unknown progress are not included.'),
          limit: limitParameter(),
          after: rowParameter().optional().describe('`next` of the previous page.'),
        }),
        response: { 200: peersSchema },
      },
    },
    async ({ query, params }) => {
      const filter = readFilter(context, query)
      const { limit, after = -1 } = query
      const swarm = findSwarm(context, params.infoHash)
      const matching = matchingRows(context, swarm, filter)
      const rest = matching.filter((row) => row > after)
      const page = rest.slice(0, limit)
      const nowMs = context.clock.nowMs()
      return {
        infoHash: formatInfoHash(params.infoHash),
        total: matching.length,
        peers: page.map((row) => ({
          ...describePeer(context, row),
          isGateway: context.table.rows.has(row, flags.gateway),
          ...progressOf(context.table, row, nowMs),
        })),
        next: rest.length > page.length ? (page.at(-1) ?? null) : null,
      }
    },
  )
}

/**
 * Ascending. The number of a row stays while its peer is in the swarm, so a peer appears once across pages, even if
 * others join and leave between two requests.
 */
function matchingRows({ topology, table, clock }: Context, swarm: Swarm, filter: Filter): number[] {
  const { places } = topology.value
  const nowMs = clock.nowMs()
  const found: number[] = []
  for (const site of swarm.sites) {
    if (filter.siteIndex !== undefined && site.site !== filter.siteIndex) continue
    for (const list of site.lists) {
      if (filter.role !== undefined && list.role !== filter.role) continue
      if (filter.bubble !== undefined && places[list.place]?.bubble !== filter.bubble) continue
      for (const row of list.all(table.rows)) {
        if (table.rows.isExpired(row, nowMs)) continue
        if (matchesProgress(table, row, nowMs, filter)) found.push(row)
      }
    }
  }
  return found.toSorted((a, b) => a - b)
}

/** A peer of unknown progress is not below any percentage. */
function matchesProgress(
  table: Context['table'],
  row: number,
  nowMs: number,
  { reachability, below }: Filter,
): boolean {
  if (reachability !== undefined && reachabilityOf(table, row, nowMs) !== reachability) return false
  return below === undefined || (progressOf(table, row, nowMs).percent ?? Infinity) < below
}

function readFilter(
  context: Context,
  query: Omit<Filter, 'siteIndex' | 'bubble'> & {
    readonly site?: string | undefined
    readonly bubble?: string | undefined
  },
): Filter {
  const siteIndex = siteNamed(context.topology, query.site)?.index
  const { role, reachability, below } = query
  return { siteIndex, bubble: bubbleNamed(context, siteIndex, query.bubble), role, reachability, below }
}

/** Rejects the name of a bubble that the site, or without one the topology, does not have. */
function bubbleNamed(
  { topology }: Context,
  siteIndex: number | undefined,
  name: string | undefined,
): string | undefined {
  const exists = topology.value.places.some(
    ({ site, bubble }) => bubble === name && (siteIndex === undefined || site.index === siteIndex),
  )
  if (name === undefined || exists) return name
  const where = siteIndex === undefined ? 'the topology' : topology.value.sites[siteIndex]?.name
  throw new ApiError(400, 'bubble-unknown', `there is no bubble ${JSON.stringify(name)} in ${where}`)
}

const percentage = () =>
  readAs(z.string(), { code: 'below-invalid', expected: 'a percentage above 0 and at most 100' }, (given) => {
    const below = /^\d{1,3}(\.\d{1,3})?$/.test(given) ? Number(given) : 0
    return below > 0 && below <= 100 ? below : undefined
  }).meta({ type: 'number', exclusiveMinimum: 0, maximum: 100 })

/** The number of a row, which is the position of a peer in the order of pages. */
const rowParameter = () =>
  wholeNumber({
    code: 'after-invalid',
    expected: 'a whole number from 0 to 4294967295',
    min: 0,
    max: 0xffff_ffff,
  })
