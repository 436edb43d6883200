/** The operator's HTTP API, on a listener of its own. `Access` decides who may send which request. */
import { Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { Refusal } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { Access } from './access.ts'
import type { AdminContext } from './admin-context.ts'
import { ApiError, PROBLEM_TYPE, writeProblem } from './api-error.ts'
import { checkWithZod } from './api-routes.ts'
import { writeAuditLine } from './audit.ts'
import { readJsonBodies } from './json-body.ts'
import { addDocumentRoute, collectDocument } from './openapi.ts'
import { addDashboardRoutes } from './routes/dashboard.ts'
import { addEventsRoute } from './routes/events.ts'
import { addExplainRoute } from './routes/explain.ts'
import { addFederationRoutes, guardFederation } from './routes/federation.ts'
import { addHealthRoutes } from './routes/health.ts'
import { addHostRoute } from './routes/hosts.ts'
import { addLinkRoutes } from './routes/links.ts'
import { addNodeRoute } from './routes/node.ts'
import { addOperationRoutes } from './routes/operations.ts'
import { addRolloutPlanRoutes } from './routes/rollout-plan.ts'
import { addRolloutRoutes } from './routes/rollouts.ts'
import { addSavingsRoute } from './routes/savings.ts'
import { addRolloutHoldRoutes } from './routes/rollout-hold.ts'
import { addSiteRoutes } from './routes/sites.ts'
import { addSwarmPeersRoute } from './routes/swarm-peers.ts'
import { addSwarmRoutes } from './routes/swarms.ts'
import { addTopologyCheckRoute } from './routes/topology-check.ts'
import { addTopologyRoutes } from './routes/topology.ts'
import { addTorrentRoutes } from './routes/torrents.ts'
import { RouteMethods } from './route-methods.ts'

/** For requests that are in progress when the listener closes. */
const CLOSE_MS_MAX = 1_000
/** As for the headers of a request at the tracker's listener. */
const HANDSHAKE_MS_MAX = 10_000

export class AdminServer {
  readonly #routes: FastifyInstance

  constructor(context: AdminContext) {
    const { log, tls } = context
    const access = new Access({
      tokens: context.tokens,
      isTrusted: context.isTrusted,
      wrongTokens: context.wrongTokens,
    })
    const problems = new WeakMap<FastifyRequest, string>()
    const send = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      const problem = toApiError(error, log)
      problems.set(request, problem.code)
      return sendProblem(problem, reply)
    }
    const https = tls === undefined ? null : { ...tls.options, handshakeTimeout: HANDSHAKE_MS_MAX }
    // Fastify types the two kinds of servers apart; the routes use neither.
    const routes = fastify({
      exposeHeadRoutes: true,
      forceCloseConnections: true,
      https,
      // Of the router, such as a path with a broken escape.
      frameworkErrors: (error, request, reply) =>
        void send(error, request as FastifyRequest, reply as FastifyReply),
    }) as unknown as FastifyInstance
    readJsonBodies(routes)
    routes.addHook('onRequest', async (request) => {
      const { federation } = context
      if (federation !== undefined && request.routeOptions.url?.startsWith('/federation/') === true)
        return guardFederation(request, federation)
      return access.check(request)
    })
    routes.addHook('onResponse', async (request, reply) =>
      writeAuditLine(log, {
        request,
        reply,
        caller: access.callerOf(request),
        code: problems.get(request),
      }),
    )
    routes.setErrorHandler(send)
    const methods = new RouteMethods()
    routes.addHook('onRoute', (route) => methods.add(route))
    routes.setNotFoundHandler((request, reply) => {
      const allowed = methods.at(request.url)
      if (allowed.length > 0) reply.header('allow', allowed.join(', '))
      return send(noRoute(request, allowed), request, reply)
    })
    // Before the document, which describes the API and not the page.
    void routes.register(async (scope) => addDashboardRoutes(scope))
    const { operate, read } = context.tokens
    const hasTokens = operate !== undefined || read !== undefined
    collectDocument(routes, { version: context.version, hasTokens })
    void routes.register(async (scope) => addRoutes(scope, context))
    routes.server.on('upgrade', context.onUpgrade)
    tls?.onReplace((options) => {
      const server: unknown = routes.server
      if (server instanceof HttpsServer) server.setSecureContext(options)
    })
    this.#routes = routes
  }

  /** Returns the port, which the system chooses for port 0. Rejects if the address is not available. */
  async start(at: { readonly host: string; readonly port: number }): Promise<number> {
    // Exclusive: in a node of several processes, one has this listener.
    await this.#routes.listen({ host: at.host, port: at.port, exclusive: true })
    return (this.#routes.server.address() as AddressInfo).port
  }

  /**
   * Closes the listener. The wait is bounded: Node.js never reports the end of a server that passed a connection to another
   * process, such as that of the carriers, if the process has ended before.
   */
  async stop(): Promise<void> {
    const deadline = new AbortController()
    const { signal } = deadline
    await Promise.race([this.#routes.close(), sleep(CLOSE_MS_MAX, undefined, { signal }).catch(() => {})])
    deadline.abort()
  }
}

function addRoutes(scope: FastifyInstance, context: AdminContext): void {
  const routes = checkWithZod(scope)
  addDocumentRoute(routes)
  addHealthRoutes(routes, context.health)
  addNodeRoute(routes, context)
  addTopologyRoutes(routes, context.topology)
  addTopologyCheckRoute(routes, context.checkTopology)
  addHostRoute(routes, context)
  addSwarmRoutes(routes, context)
  addSwarmPeersRoute(routes, context)
  addExplainRoute(routes, context)
  addTorrentRoutes(routes, context.topology, context.torrents)
  addSiteRoutes(routes, context)
  addRolloutRoutes(routes, context)
  addRolloutPlanRoutes(routes, context)
  addRolloutHoldRoutes(routes, context)
  addLinkRoutes(routes, context)
  addSavingsRoute(routes, context)
  if (context.federation !== undefined) addFederationRoutes(routes, context.federation)
  addOperationRoutes(routes, context.operations)
  addEventsRoute(routes, context)
}

function noRoute({ method, url }: FastifyRequest, allowed: readonly string[]): ApiError {
  return allowed.length === 0
    ? new ApiError(404, 'not-found', `there is nothing at ${url}`)
    : new ApiError(405, 'method-unsupported', `${url} has no ${method}; use ${allowed.join(' or ')}`)
}

function toApiError(error: unknown, log: Log): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof Refusal) return new ApiError(422, error.code, error.message)
  const { statusCode, message } = error as Error & { readonly statusCode?: number }
  if (statusCode !== undefined && statusCode < 500)
    return new ApiError(statusCode, 'request-invalid', message)
  log.error({ event: 'admin-failed', err: error }, 'an admin request failed; this is a bug')
  return new ApiError(500, 'internal', 'internal error; the log of the node has the details')
}

function sendProblem(problem: ApiError, reply: FastifyReply): FastifyReply {
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', problem.retryAfterSeconds)
  return reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(writeProblem(problem)))
}
