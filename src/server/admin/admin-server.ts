/**
 * The operator's HTTP API, on a listener of its own.
 *
 * Threat: whoever reaches it can read who downloads what, and stop the node. So without a token it answers
 * loopback only, and with one everything under /api needs it. A page in the operator's browser, which reaches
 * loopback too, is kept out by its Origin, and by its Host where its own name was made to point at loopback.
 * Metrics and health are open to whoever reaches a listener that has a token: scrapers and load balancers carry
 * none, and they say nothing of single torrents or peers. The nodes of other sites have a token of their own, which
 * opens what is under /federation and nothing else.
 */
import type { AddressInfo } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { parseAddress } from '../../core/address.ts'
import { isSameToken, readBearerToken } from '../../core/bearer-token.ts'
import { Refusal } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { AdminContext } from './admin-context.ts'
import { addExplainRoute } from './routes/explain.ts'
import { addFederationRoutes, guardFederation } from './routes/federation.ts'
import { addHealthRoutes } from './routes/health.ts'
import { addOperationRoutes } from './routes/operations.ts'
import { addSiteRoutes } from './routes/sites.ts'
import { addSwarmRoutes } from './routes/swarms.ts'
import { addTopologyRoutes } from './routes/topology.ts'
import { addTorrentRoutes } from './routes/torrents.ts'
import { ApiError } from './requests.ts'

export class AdminServer {
  readonly #routes: FastifyInstance

  constructor(parts: AdminContext) {
    const routes = fastify({ exposeHeadRoutes: true, forceCloseConnections: true })
    routes.addHook('onRequest', async (request) => guard(request, parts))
    routes.setErrorHandler((error, _request, reply) => answerError(error, reply, parts.log))
    routes.setNotFoundHandler((request, reply) =>
      answerError(new ApiError(404, 'not-found', `there is nothing at ${request.url}`), reply, parts.log),
    )
    addHealthRoutes(routes, parts.health)
    addTopologyRoutes(routes, parts.topology)
    addSwarmRoutes(routes, parts)
    addExplainRoute(routes, parts)
    addTorrentRoutes(routes, parts.topology, parts.torrents)
    addSiteRoutes(routes, parts)
    if (parts.federation !== undefined) addFederationRoutes(routes, parts.federation)
    addOperationRoutes(routes, parts.operations)
    this.#routes = routes
  }

  /** Returns the port, which is the system's choice for port 0. Rejects where the address cannot be had. */
  async start(at: { readonly host: string; readonly port: number }): Promise<number> {
    await this.#routes.listen({ host: at.host, port: at.port })
    return (this.#routes.server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    await this.#routes.close()
  }
}

async function guard(
  request: FastifyRequest,
  { token, federation }: Pick<AdminContext, 'token' | 'federation'>,
): Promise<void> {
  if (federation !== undefined && request.routeOptions.url?.startsWith('/federation/') === true)
    return guardFederation(request, federation)
  if (token === undefined && !isLoopback(request.socket.remoteAddress ?? ''))
    throw new ApiError(403, 'loopback-only', 'without admin.token this listener answers loopback only')
  const { origin, host } = request.headers
  if (origin !== undefined && origin !== `http://${host ?? ''}`)
    throw new ApiError(403, 'foreign-origin', `a page of ${origin} may not speak to this listener`)
  if (token === undefined) {
    if (host === undefined || isLocalHost(host)) return
    throw new ApiError(403, 'foreign-host', 'without admin.token, ask by address or as localhost')
  }
  // The route, not the request target: the router takes escaped and absolute targets for the same route.
  if (request.routeOptions.url?.startsWith('/api/') !== true) return
  const given = readBearerToken(request.headers.authorization)
  if (given === undefined || !isSameToken(given, token))
    throw new ApiError(401, 'token-wrong', 'send the admin token as "Authorization: Bearer <token>"')
}

function isLoopback(remote: string): boolean {
  const address = parseAddress(remote)
  if (address === undefined) return false
  if (address.isV4) return address.word3 >>> 24 === 127
  return address.word0 === 0 && address.word1 === 0 && address.word2 === 0 && address.word3 === 1
}

/** `localhost` or an address, with or without a port. No page has an address that it can point elsewhere. */
function isLocalHost(host: string): boolean {
  const name = /^\[(.+)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '')
  return name.toLowerCase() === 'localhost' || parseAddress(name) !== undefined
}

function answerError(error: unknown, reply: FastifyReply, log: Log): FastifyReply {
  const answer = (status: number, code: string, message: string) =>
    reply.code(status).send({ error: { code, message } })
  if (error instanceof ApiError) return answer(error.status, error.code, error.message)
  if (error instanceof Refusal) return answer(422, error.code, error.message)
  const status = (error as { statusCode?: number }).statusCode
  if (status !== undefined && status < 500) return answer(status, 'request-invalid', (error as Error).message)
  log.error({ event: 'admin-failed', err: error }, 'an admin request failed; this is a bug')
  return answer(500, 'internal', 'the node made a mistake; its log says more')
}
