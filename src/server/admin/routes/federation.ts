/** Routes for the nodes of remote sites: the stream of this site's updates, and registered torrents. */
import type { Writable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { readBearerToken } from '../../../core/bearer-token.ts'
import { certifiedSite } from '../../../core/site-credentials.ts'
import { parseInfoHash } from '../../../core/info-hash.ts'
import type { CONNECTION_STATES } from '../answers/sites.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'

export interface FederationSource {
  /** Remedy for a request that is not admitted. */
  readonly credentialRequest: string
  /** Compares in constant time. */
  admits(token: string): boolean
  /** Counts a certificate of another site than the request names. */
  refuseCertificate(): void
  /** Writes a gzip stream until `out` is closed. False if there are too many subscribers. */
  serve(subscriber: string, out: Writable, remoteAddress: string): boolean
  torrent(infoHash: Buffer): Promise<Buffer | undefined>
  remotes(): readonly RemoteSite[]
}

export interface RemoteSite {
  readonly site: string
  readonly state: (typeof CONNECTION_STATES)[number]
  readonly sinceMs: number
  readonly reason: string
  readonly ageSeconds: number | undefined
  readonly torrents: number
  readonly topologyHash: string | undefined
}

const SITE_NAME_LENGTH_MAX = 255

/** Requires the certificate of the site that the request names, or the federation token. The address and headers of a browser do not matter, because no browser has the token. */
export function guardFederation(request: FastifyRequest, federation: FederationSource): void {
  const certified = certifiedSite(request.raw.socket)
  if (certified !== undefined) {
    const { site = certified } = request.query as Query
    if (site === certified) return
    federation.refuseCertificate()
    throw new ApiError(
      403,
      'certificate-wrong',
      `the certificate is of site ${certified}, not of the one in the request`,
    )
  }
  const given = readBearerToken(request.headers.authorization)
  if (given === undefined || !federation.admits(given))
    throw new ApiError(401, 'token-wrong', federation.credentialRequest)
}

/** Later versions may add parameters, so unknown ones are ignored here, other than in the API of the operator. */
type Query = Readonly<Record<string, string | readonly string[] | undefined>>

export function addFederationRoutes(routes: ApiRoutes, federation: FederationSource): void {
  routes.get<{ Querystring: Query }>(
    '/federation/v1/stream',
    { exposeHeadRoute: false, schema: { hide: true } },
    async (request, reply) => {
      const { site } = request.query
      if (typeof site !== 'string' || site === '' || site.length > SITE_NAME_LENGTH_MAX)
        throw new ApiError(400, 'site-missing', 'add the name of the subscribing site: ?site=NAME')
      reply.hijack()
      const out = reply.raw
      out.writeHead(200, { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' })
      out.flushHeaders()
      // Messages are small, and remote sites wait for them.
      request.raw.socket.setNoDelay(true)
      if (!federation.serve(site, out, request.socket.remoteAddress ?? '')) out.destroy()
    },
  )

  routes.get<{ Params: { infoHash: string } }>(
    '/federation/v1/torrents/:infoHash',
    { exposeHeadRoute: false, schema: { hide: true } },
    async (request, reply) => {
      const infoHash = parseInfoHash(request.params.infoHash)
      if (infoHash === undefined)
        throw new ApiError(400, 'infohash-invalid', 'the infohash must be 40 hexadecimal digits (64 for v2)')
      const torrent = await federation.torrent(infoHash)
      if (torrent === undefined)
        throw new ApiError(404, 'torrent-unknown', `${request.params.infoHash} is not registered here`)
      return reply.type('application/octet-stream').send(torrent)
    },
  )
}
