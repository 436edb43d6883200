/** A registered torrent in the form that all routes return, with its URLs for each site and the warnings of the node. */
import { formatInfoHash } from '../../core/info-hash.ts'
import { nearestNodeUrl } from '../../registry/node-url.ts'
import type { Registration, TorrentMetadata } from '../../registry/registration.ts'
import type { RolloutHolds } from '../../registry/rollout-holds.ts'
import type { TorrentRegistry } from '../../registry/torrent-registry.ts'
import { NO_BUBBLE, type Place, type Topology, UNMAPPED_SITE } from '../../topology/topology.ts'
import type { Warning } from './answers/fields.ts'

export interface TorrentContext {
  readonly registry: TorrentRegistry
  readonly holds: RolloutHolds
  /** Why clients of other sites would not find a source here; undefined where they would. */
  readonly federationProblem: () => string | undefined
  readonly webSeeds: {
    /** The reason why the nodes never serve the content of this origin, undefined if they do. */
    unavailableReason(origin: string): string | undefined
    readonly content: {
      /** Opens the origin and returns the problem with it; undefined if it can be served. */
      problemOf(registration: Registration): Promise<string | undefined>
    }
  }
}

export function describe(
  topology: Topology,
  { webSeeds, federationProblem }: TorrentContext,
  {
    registration,
    metadata,
    warnings,
  }: {
    readonly registration: Registration
    readonly metadata: TorrentMetadata
    readonly warnings: readonly Warning[]
  },
) {
  const unavailable =
    registration.origin === undefined ? undefined : webSeeds.unavailableReason(registration.origin)
  const federation = federationProblem()
  return {
    ...describeBriefly(registration, metadata),
    sites: urlsOf(topology, registration),
    warnings: [
      ...warnings.map(({ code, message }) => ({ code, message })),
      ...(unavailable === undefined ? [] : [{ code: 'origin-unusable', message: unavailable }]),
      ...(federation === undefined ? [] : [{ code: 'federation-missing', message: federation }]),
    ],
  }
}

/** The origin is opened when it is registered, so that the publisher learns at once if the node cannot read it. */
export async function originWarnings(
  { webSeeds }: TorrentContext,
  registration: Registration,
): Promise<Warning[]> {
  if (registration.origin === undefined || webSeeds.unavailableReason(registration.origin) !== undefined)
    return []
  const problem = await webSeeds.content.problemOf(registration)
  return problem === undefined
    ? []
    : [{ code: 'origin-unreadable', message: `this node cannot serve the content: ${problem}` }]
}

const infoHashOf = ({ infoHashes }: Registration) => infoHashes[0] as Buffer

export const torrentPosition = (registration: Registration) => ({
  rank: registration.registeredAtMs,
  infoHash: infoHashOf(registration),
})

export function describeBriefly(registration: Registration, metadata: TorrentMetadata) {
  return {
    infoHash: formatInfoHash(infoHashOf(registration)),
    infoHashV1: metadata.infoHashV1,
    infoHashV2: metadata.infoHashV2,
    name: registration.name,
    sizeBytes: registration.sizeBytes,
    isPrivate: metadata.isPrivate,
    origin: registration.origin ?? null,
    registeredAt: new Date(registration.registeredAtMs).toISOString(),
  }
}

/**
 * URLs for each place with trackers of its own; the other bubbles of a site use those of the site. A place without an
 * HTTP tracker has none.
 */
function urlsOf(topology: Topology, registration: Registration) {
  const path = `/torrents/${formatInfoHash(infoHashOf(registration))}`
  const isShown = ({ site, bubble, trackers }: Place) =>
    site.name !== UNMAPPED_SITE && (bubble === NO_BUBBLE || trackers.length > 0)
  return topology.places.filter(isShown).flatMap((place) => {
    const node = nearestNodeUrl(topology, place)
    if (node === undefined) return []
    const query = new URLSearchParams({ site: place.site.name })
    if (place.bubble !== NO_BUBBLE) query.set('bubble', place.bubble)
    return [
      {
        site: place.site.name,
        bubble: place.bubble,
        torrentUrl: `${node}${path}.torrent?${query.toString()}`,
        magnetUrl: `${node}${path}.magnet?${query.toString()}`,
      },
    ]
  })
}
