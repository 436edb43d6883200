/** What the nodes of other sites ask for: the stream of what this site says, and registered torrents. */
import type { Writable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { readBearerToken } from '../../../core/bearer-token.ts'
import { ApiError, type Query, readInfoHash } from '../requests.ts'

export interface FederationSource {
  /** Compares in constant time. */
  admits(token: string): boolean
  /** Writes until `out` is closed, packed by gzip. False where too many are reading. */
  serve(reader: string, out: Writable): boolean
  torrent(infoHash: Buffer): Promise<Buffer | undefined>
  remotes(): readonly RemoteSite[]
}

export interface RemoteSite {
  readonly site: string
  readonly state: string
  readonly sinceMs: number
  readonly reason: string
  readonly ageSeconds: number | undefined
  readonly torrents: number
}

const SITE_NAME_LENGTH_MAX = 255

/** Its own token and nothing else: where it is asked from is no matter, and no browser has it. */
export function guardFederation(request: FastifyRequest, federation: FederationSource): void {
  const given = readBearerToken(request.headers.authorization)
  if (given === undefined || !federation.admits(given))
    throw new ApiError(401, 'token-wrong', 'send the federation token as "Authorization: Bearer <token>"')
}

export function addFederationRoutes(routes: FastifyInstance, federation: FederationSource): void {
  routes.get<{ Querystring: Query }>(
    '/federation/v1/stream',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const { site } = request.query
      if (typeof site !== 'string' || site === '' || site.length > SITE_NAME_LENGTH_MAX)
        throw new ApiError(400, 'site-missing', 'say which site reads: ?site=NAME')
      reply.hijack()
      const out = reply.raw
      out.writeHead(200, { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' })
      out.flushHeaders()
      // Small messages that somebody waits for.
      request.raw.socket.setNoDelay(true)
      if (!federation.serve(site, out)) out.destroy()
    },
  )

  routes.get<{ Params: { infoHash: string } }>(
    '/federation/v1/torrents/:infoHash',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const answer = await federation.torrent(readInfoHash(request.params.infoHash))
      if (answer === undefined)
        throw new ApiError(404, 'torrent-unknown', `${request.params.infoHash} is not registered here`)
      return reply.type('application/octet-stream').send(answer)
    },
  )
}
