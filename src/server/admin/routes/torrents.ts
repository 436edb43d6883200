/**
 * Registered torrents: list, register, show, remove. Clients fetch them from the tracker's listener; these routes return
 * the URLs.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InputError } from '../../../core/errors.ts'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { TORRENT_BYTES_MAX } from '../../../core/limits.ts'
import { summarize } from '../../../metainfo/summary.ts'
import { nearestNodeUrl } from '../../../registry/node-url.ts'
import { checkOriginReference } from '../../../registry/origin-reference.ts'
import { type TorrentMetadata, type Registration, metadataOf } from '../../../registry/registration.ts'
import type { RolloutHolds } from '../../../registry/rollout-holds.ts'
import { type TorrentRegistry, RegistryUnavailable } from '../../../registry/torrent-registry.ts'
import type { CurrentTopology } from '../../../topology/current-topology.ts'
import { NO_BUBBLE, type Place, type Topology, UNMAPPED_SITE } from '../../../topology/topology.ts'
import { ApiError, type Query, readInfoHash } from '../requests.ts'

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

interface ShownWarning {
  readonly code: string
  readonly message: string
}

/** The correct type, and the types that curl and scripts send by default. */
const CONTENT_TYPES = [
  'application/x-bittorrent',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
]

export function addTorrentRoutes(
  routes: FastifyInstance,
  topology: CurrentTopology,
  { registry, holds, webSeeds, federationProblem }: TorrentContext,
): void {
  const describe = (
    registration: Registration,
    metadata: TorrentMetadata,
    warnings: readonly ShownWarning[],
  ) => {
    const unavailable =
      registration.origin === undefined ? undefined : webSeeds.unavailableReason(registration.origin)
    const federation = federationProblem()
    return {
      ...describeBriefly(registration, metadata),
      sites: urlsOf(topology.value, registration),
      warnings: [
        ...warnings.map(({ code, message }) => ({ code, message })),
        ...(unavailable === undefined ? [] : [{ code: 'origin-unusable', message: unavailable }]),
        ...(federation === undefined ? [] : [{ code: 'federation-missing', message: federation }]),
      ],
    }
  }

  /** The origin is opened when it is registered, so that the publisher learns at once if the node cannot read it. */
  const originWarnings = async (registration: Registration): Promise<ShownWarning[]> => {
    if (registration.origin === undefined || webSeeds.unavailableReason(registration.origin) !== undefined)
      return []
    const problem = await webSeeds.content.problemOf(registration)
    return problem === undefined
      ? []
      : [{ code: 'origin-unreadable', message: `this node cannot serve the content: ${problem}` }]
  }

  const find = (text: string): Registration => {
    const infoHash = readInfoHash(text)
    const registration = registry.find(infoHash)
    if (registration === undefined)
      throw new ApiError(404, 'torrent-unknown', `${formatInfoHash(infoHash)} is not registered here`)
    return registration
  }

  routes.get('/api/v1/torrents', async () => {
    const described = await Promise.all(
      registry.list().map(async (registration) => {
        const metadata = await registry.describe(registration)
        return metadata === undefined ? undefined : describeBriefly(registration, metadata)
      }),
    )
    const torrents = described.filter((torrent) => torrent !== undefined)
    return { total: torrents.length, torrents }
  })

  routes.get<{ Params: { infoHash: string } }>('/api/v1/torrents/:infoHash', async (request) => {
    const registration = find(request.params.infoHash)
    const metainfo = await registry.read(registration)
    if (metainfo === undefined)
      throw new ApiError(404, 'torrent-unknown', `${request.params.infoHash} has just been removed`)
    const summary = summarize(metainfo)
    return describe(registration, metadataOf(metainfo, summary.isPrivate), summary.warnings)
  })

  routes.delete<{ Params: { infoHash: string } }>('/api/v1/torrents/:infoHash', async (request) => {
    const registration = find(request.params.infoHash)
    const metadata = await registry.describe(registration)
    await registry.remove(registration).catch(toApiError)
    await holds.forget(registration)
    return { removed: true, ...(metadata === undefined ? {} : describeBriefly(registration, metadata)) }
  })

  void routes.register(async (withBody) => {
    withBody.removeAllContentTypeParsers()
    withBody.addContentTypeParser(CONTENT_TYPES, { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    withBody.addContentTypeParser('*', (_request, _payload, done) =>
      done(new ApiError(415, 'type-unsupported', 'send the bytes of a .torrent as application/x-bittorrent')),
    )
    withBody.post<{ Querystring: Query }>(
      '/api/v1/torrents',
      { bodyLimit: TORRENT_BYTES_MAX, onRequest: async (request) => refuseLarge(request) },
      async (request, reply) => {
        const bytes = request.body
        if (!Buffer.isBuffer(bytes))
          throw new ApiError(400, 'torrent-missing', 'the body must be the bytes of a .torrent')
        const origin = readOrigin(request.query['origin'])
        const { registration, metainfo, summary, isNew } = await registry
          .register(bytes, origin)
          .catch(toApiError)
        const described = describe(registration, metadataOf(metainfo, summary.isPrivate), summary.warnings)
        described.warnings.push(...(await originWarnings(registration)))
        return reply.code(isNew ? 201 : 200).send({ ...described, isNew })
      },
    )
  })
}

/** Rejects the request before its body is sent. */
function refuseLarge(request: FastifyRequest): void {
  const length = Number(request.headers['content-length'] ?? 0)
  if (length > TORRENT_BYTES_MAX)
    throw new ApiError(
      413,
      'torrent-too-large',
      `a torrent has at most ${TORRENT_BYTES_MAX} bytes, three times what clients load; make it again with larger pieces`,
    )
}

function readOrigin(text: Query[string]): string | undefined {
  if (text === undefined || text === '') return undefined
  if (typeof text !== 'string') throw new ApiError(400, 'origin-invalid', 'a torrent has one origin')
  try {
    return checkOriginReference(text)
  } catch (error) {
    if (error instanceof InputError) throw new ApiError(400, 'origin-invalid', error.message)
    throw error
  }
}

function toApiError(error: unknown): never {
  if (error instanceof InputError) throw new ApiError(400, 'torrent-invalid', error.message)
  if (error instanceof RegistryUnavailable) throw new ApiError(503, 'store-unavailable', error.message)
  throw error
}

function describeBriefly(registration: Registration, metadata: TorrentMetadata) {
  return {
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
  const path = `/torrents/${formatInfoHash(registration.infoHashes[0] as Buffer)}`
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
