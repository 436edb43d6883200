/**
 * Registered torrents: list, register, show, remove. Clients fetch them from the tracker's listener; these routes return
 * the URLs.
 */
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { InputError } from '../../../core/errors.ts'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { TORRENT_BYTES_MAX } from '../../../core/limits.ts'
import { summarize } from '../../../metainfo/summary.ts'
import { checkOriginReference } from '../../../registry/origin-reference.ts'
import { type Registration, metadataOf } from '../../../registry/registration.ts'
import { type TorrentRegistry, RegistryUnavailable } from '../../../registry/torrent-registry.ts'
import type { CurrentTopology } from '../../../topology/current-topology.ts'
import { removedSchema, torrentInFullSchema, torrentsSchema } from '../answers/torrents.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { afterParameter, limitParameter, pageOfSorted, takePage } from '../page.ts'
import { infoHashParameter, oneOf, text, withRule } from '../parameters.ts'
import { SearchIndex } from '../search-index.ts'
import {
  describe,
  describeBriefly,
  originWarnings,
  torrentPosition,
  type TorrentContext,
} from '../shown-torrent.ts'

/** The correct type, and the types that curl and scripts send by default. */
const CONTENT_TYPES = [
  'application/x-bittorrent',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
]

/** The longest name of a file, in characters. */
const SEARCH_CHARACTERS_MAX = 255

export function addTorrentRoutes(
  routes: ApiRoutes,
  topology: CurrentTopology,
  context: TorrentContext,
): void {
  addTorrentsRoute(routes, context)
  addTorrentRoute(routes, topology, context)
  addRegisterRoute(routes, topology, context)
}

function addTorrentsRoute(routes: ApiRoutes, { registry }: TorrentContext): void {
  const index = new SearchIndex<Registration>()
  routes.get(
    '/api/v1/torrents',
    {
      schema: {
        summary: 'Registered torrents',
        querystring: z.strictObject({
          q: text(
            { code: 'q-invalid', expected: `text of at most ${SEARCH_CHARACTERS_MAX} characters` },
            SEARCH_CHARACTERS_MAX,
          )
            .optional()
            .describe('A part of the name, or the first digits of an infohash.'),
          order: oneOf('order', ['oldest', 'newest']).default('oldest').describe('Which come first.'),
          limit: limitParameter(),
          after: afterParameter(),
        }),
        response: { 200: torrentsSchema },
      },
    },
    async ({ query }) => {
      const { q: search, limit, after } = query
      const order = query.order === 'oldest' ? 'ascending' : 'descending'
      const all = registry.list()
      const { total, items, next } =
        search === undefined
          ? pageOfSorted(all, torrentPosition, { limit, after, order })
          : await takePage(await index.find(all, search), torrentPosition, { limit, after, order })
      const described = await Promise.all(
        items.map(async (registration) => {
          const metadata = await registry.describe(registration)
          return metadata === undefined ? undefined : describeBriefly(registration, metadata)
        }),
      )
      return { total, torrents: described.filter((torrent) => torrent !== undefined), next: next ?? null }
    },
  )
}

function addTorrentRoute(routes: ApiRoutes, topology: CurrentTopology, context: TorrentContext): void {
  const { registry, holds } = context
  routes.get(
    '/api/v1/torrents/:infoHash',
    {
      schema: {
        summary: 'A registered torrent with its URLs for each site',
        params: z.strictObject({ infoHash: infoHashParameter() }),
        response: { 200: torrentInFullSchema },
      },
    },
    async ({ params: { infoHash } }) => {
      const registration = find(registry, infoHash)
      const metainfo = await registry.read(registration)
      if (metainfo === undefined)
        throw new ApiError(404, 'torrent-unknown', `${formatInfoHash(infoHash)} has just been removed`)
      const summary = summarize(metainfo)
      const metadata = metadataOf(metainfo, summary.isPrivate)
      return describe(topology.value, context, { registration, metadata, warnings: summary.warnings })
    },
  )

  routes.delete(
    '/api/v1/torrents/:infoHash',
    {
      schema: {
        summary: 'Removes a registered torrent',
        params: z.strictObject({ infoHash: infoHashParameter() }),
        response: { 200: removedSchema },
      },
    },
    async ({ params: { infoHash } }) => {
      const registration = find(registry, infoHash)
      await registry.remove(registration).catch(toApiError)
      await holds.forget(registration)
      return { removed: true as const, infoHash: formatInfoHash(infoHash), name: registration.name }
    },
  )
}

function addRegisterRoute(routes: ApiRoutes, topology: CurrentTopology, context: TorrentContext): void {
  const { registry } = context
  void routes.register(async (scope) => {
    const withBody: ApiRoutes = scope
    withBody.removeAllContentTypeParsers()
    withBody.addContentTypeParser(CONTENT_TYPES, { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    withBody.addContentTypeParser('*', (_request, _payload, done) =>
      done(new ApiError(415, 'type-unsupported', 'send the bytes of a .torrent as application/x-bittorrent')),
    )
    withBody.post(
      '/api/v1/torrents',
      {
        bodyLimit: TORRENT_BYTES_MAX,
        onRequest: async (request) => refuseLarge(request),
        schema: {
          summary: 'Registers the torrent in the body',
          description:
            'A torrent that is registered already keeps its time, and its origin if none is given.',
          consumes: ['application/x-bittorrent'],
          body: torrentBody(),
          querystring: z.strictObject({
            origin: withRule(z.string(), { code: 'origin-invalid', expected: 'one origin' })
              .optional()
              .describe('Source of the content: a path, or an http(s) or s3 URL.'),
          }),
          response: {
            200: torrentInFullSchema.extend({ isNew: z.literal(false) }).describe('Registered before.'),
            201: torrentInFullSchema.extend({ isNew: z.literal(true) }).describe('Registered.'),
          },
        },
      },
      async (request, reply) => {
        const { registration, metainfo, summary, isNew } = await registry
          .register(request.body, readOrigin(request.query.origin))
          .catch(toApiError)
        const described = describe(topology.value, context, {
          registration,
          metadata: metadataOf(metainfo, summary.isPrivate),
          warnings: [...summary.warnings, ...(await originWarnings(context, registration))],
        })
        return isNew
          ? reply.code(201).send({ ...described, isNew: true })
          : reply.code(200).send({ ...described, isNew: false })
      },
    )
  })
}

const torrentBody = () =>
  withRule(
    z
      .unknown()
      .refine((body): body is Buffer => Buffer.isBuffer(body))
      .meta({ type: 'string', format: 'binary' }),
    { code: 'torrent-missing', expected: 'the bytes of a .torrent' },
  )

/** undefined also for an empty one, which a script passes where it has no origin. */
function readOrigin(given: string | undefined): string | undefined {
  if (given === undefined || given === '') return undefined
  try {
    return checkOriginReference(given)
  } catch (error) {
    if (error instanceof InputError) throw new ApiError(400, 'origin-invalid', error.message)
    throw error
  }
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

function find(registry: TorrentRegistry, infoHash: Buffer): Registration {
  const registration = registry.find(infoHash)
  if (registration === undefined)
    throw new ApiError(404, 'torrent-unknown', `${formatInfoHash(infoHash)} is not registered here`)
  return registration
}

function toApiError(error: unknown): never {
  if (error instanceof InputError) throw new ApiError(400, 'torrent-invalid', error.message)
  if (error instanceof RegistryUnavailable) throw new ApiError(503, 'store-unavailable', error.message)
  throw error
}
