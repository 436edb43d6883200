/**
 * The operator's HTTP API, on a listener of its own.
 *
 * Threat: a caller can read which host downloads which torrent, and stop the node. Without a token, the listener answers
 * loopback only; with one, everything under /api requires it. A page in the operator's browser reaches loopback too: it
 * is rejected by its Origin, and by its Host if the name of the page resolves to loopback. With a token, metrics and
 * health are open to every caller, because scrapers and load balancers send no token, and they contain nothing about
 * single torrents or peers. The nodes of other sites have a token of their own, which is valid under /federation only.
 */
import type { AddressInfo } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { parseAddress } from '../../core/address.ts'
import { isSameToken, readBearerToken } from '../../core/bearer-token.ts'
import { Refusal } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { AdminContext } from './admin-context.ts'
import { addDashboardRoutes } from './routes/dashboard.ts'
import { addExplainRoute } from './routes/explain.ts'
import { addFederationRoutes, guardFederation } from './routes/federation.ts'
import { addHealthRoutes } from './routes/health.ts'
import { addLinkRoutes } from './routes/links.ts'
import { addOperationRoutes } from './routes/operations.ts'
import { addRolloutPlanRoutes } from './routes/rollout-plan.ts'
import { addRolloutRoutes } from './routes/rollouts.ts'
import { addSavingsRoute } from './routes/savings.ts'
import { addRolloutHoldRoutes } from './routes/rollout-hold.ts'
import { addSiteRoutes } from './routes/sites.ts'
import { addSwarmPeersRoute } from './routes/swarm-peers.ts'
import { addSwarmRoutes } from './routes/swarms.ts'
import { addTopologyRoutes } from './routes/topology.ts'
import { addTorrentRoutes } from './routes/torrents.ts'
import { ApiError } from './requests.ts'

export class AdminServer {
  readonly #routes: FastifyInstance

  constructor(context: AdminContext) {
    const routes = fastify({ exposeHeadRoutes: true, forceCloseConnections: true })
    routes.addHook('onRequest', async (request) => guard(request, context))
    routes.setErrorHandler((error, _request, reply) => sendError(error, reply, context.log))
    routes.setNotFoundHandler((request, reply) =>
      sendError(new ApiError(404, 'not-found', `there is nothing at ${request.url}`), reply, context.log),
    )
    addDashboardRoutes(routes)
    addHealthRoutes(routes, context.health)
    addTopologyRoutes(routes, context.topology)
    addSwarmRoutes(routes, context)
    addSwarmPeersRoute(routes, context)
    addExplainRoute(routes, context)
    addTorrentRoutes(routes, context.topology, context.torrents)
    addRolloutHoldRoutes(routes, context)
    addSiteRoutes(routes, context)
    addRolloutRoutes(routes, context)
    addRolloutPlanRoutes(routes, context)
    addSavingsRoute(routes, context)
    addLinkRoutes(routes, context)
    if (context.federation !== undefined) addFederationRoutes(routes, context.federation)
    addOperationRoutes(routes, context.operations)
    routes.server.on('upgrade', context.onUpgrade)
    this.#routes = routes
  }

  /** Returns the port, which the system chooses for port 0. Rejects if the address is not available. */
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
    throw new ApiError(403, 'foreign-origin', `requests of a page of ${origin} are rejected`)
  if (token === undefined) {
    if (host === undefined || isLocalHost(host)) return
    throw new ApiError(403, 'foreign-host', 'without admin.token, the host must be an address or localhost')
  }
  // The route, not the request target: escaped and absolute targets lead to the same route.
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

/** `localhost` or an address, with or without a port. A page cannot make an address resolve to another one. */
function isLocalHost(host: string): boolean {
  const name = /^\[(.+)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '')
  return name.toLowerCase() === 'localhost' || parseAddress(name) !== undefined
}

function sendError(error: unknown, reply: FastifyReply, log: Log): FastifyReply {
  const send = (status: number, code: string, message: string) =>
    reply.code(status).send({ error: { code, message } })
  if (error instanceof ApiError) return send(error.status, error.code, error.message)
  if (error instanceof Refusal) return send(422, error.code, error.message)
  const status = (error as { statusCode?: number }).statusCode
  if (status !== undefined && status < 500) return send(status, 'request-invalid', (error as Error).message)
  log.error({ event: 'admin-failed', err: error }, 'an admin request failed; this is a bug')
  return send(500, 'internal', 'internal error; the log of the node has the details')
}
