/** The peers of one torrent with their progress, in pages and filtered. */
import type { FastifyInstance } from 'fastify'
import { formatInfoHash } from '../../../core/info-hash.ts'
import type { Role } from '../../../swarm/peer-state.ts'
import { flags } from '../../../swarm/peer-rows.ts'
import type { Swarm } from '../../../swarm/swarm.ts'
import type { AdminContext } from '../admin-context.ts'
import { progressOf, reachabilityOf } from '../peer-progress.ts'
import { ApiError, type Query, readInfoHash, readWhole, refuseUnknownParameters } from '../requests.ts'
import { describePeer, publicRoles, readSite } from './swarms.ts'

/** About 300 KB of JSON. */
const PAGE_PEERS_MAX = 1_000
const PAGE_PEERS_DEFAULT = 100
const PARAMETERS = ['site', 'bubble', 'role', 'reachability', 'below', 'limit', 'after']
const REACHABILITIES = ['reachable', 'unreachable', 'unknown'] as const

type Context = Pick<AdminContext, 'topology' | 'tracker' | 'table' | 'clock'>

interface Filter {
  readonly siteIndex: number | undefined
  readonly bubble: string | undefined
  readonly role: Role | undefined
  readonly reachability: string | undefined
  readonly below: number | undefined
}

export function addSwarmPeersRoute(routes: FastifyInstance, context: Context): void {
  routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
    '/api/v1/swarms/:infoHash/peers',
    async (request) => {
      const { query } = request
      refuseUnknownParameters(query, PARAMETERS)
      const infoHash = readInfoHash(request.params.infoHash)
      const filter = readFilter(context, query)
      const limit = readWhole('limit', query['limit'], { min: 1, max: PAGE_PEERS_MAX }) ?? PAGE_PEERS_DEFAULT
      const after = readWhole('after', query['after'], { min: 0, max: 0xffff_ffff }) ?? -1
      const swarm = context.table.swarm(infoHash)
      if (swarm === undefined)
        throw new ApiError(404, 'swarm-unknown', `no peer has announced ${formatInfoHash(infoHash)} here`)

      const matching = matchingRows(context, swarm, filter)
      const rest = matching.filter((row) => row > after)
      const page = rest.slice(0, limit)
      const nowMs = context.clock.nowMs()
      return {
        infoHash: formatInfoHash(infoHash),
        /** Peers that match the filters, those of all pages. */
        total: matching.length,
        peers: page.map((row) => ({
          ...describePeer(context, row),
          isGateway: context.table.rows.has(row, flags.gateway),
          ...progressOf(context.table, row, nowMs),
        })),
        /** Value of `after` for the next page; null on the last one. */
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

function readFilter(context: Context, query: Query): Filter {
  const siteIndex = readSite(context, query['site'])
  return {
    siteIndex,
    bubble: readBubble(context, siteIndex, query['bubble']),
    role: readRole(query['role']),
    reachability: readReachability(query['reachability']),
    below: readBelow(query['below']),
  }
}

function readBubble(
  { topology }: Context,
  siteIndex: number | undefined,
  text: Query[string],
): string | undefined {
  if (text === undefined) return undefined
  const exists = topology.value.places.some(
    ({ site, bubble }) => bubble === text && (siteIndex === undefined || site.index === siteIndex),
  )
  if (typeof text === 'string' && exists) return text
  const where = siteIndex === undefined ? 'the topology' : topology.value.sites[siteIndex]?.name
  throw new ApiError(400, 'bubble-unknown', `there is no bubble ${JSON.stringify(text)} in ${where}`)
}

function readRole(text: Query[string]): Role | undefined {
  if (text === undefined) return undefined
  const found = Object.entries(publicRoles).find(([, name]) => name === text)
  if (found === undefined)
    throw new ApiError(
      400,
      'role-unknown',
      `role must be one of ${Object.values(publicRoles).join(', ')}, not ${JSON.stringify(text)}`,
    )
  return found[0] as Role
}

function readReachability(text: Query[string]): string | undefined {
  if (text === undefined) return undefined
  const found = REACHABILITIES.find((value) => value === text)
  if (found === undefined)
    throw new ApiError(
      400,
      'reachability-unknown',
      `reachability must be reachable, unreachable or unknown, not ${JSON.stringify(text)}`,
    )
  return found
}

function readBelow(text: Query[string]): number | undefined {
  if (text === undefined) return undefined
  const below = typeof text === 'string' && /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (below <= 0 || below > 100)
    throw new ApiError(400, 'below-invalid', 'below must be a percentage above 0 and at most 100')
  return below
}
