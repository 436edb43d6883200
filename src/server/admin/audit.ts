/** Audit log: one line for each change that is requested under /api, with its sender and its result. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../core/log.ts'
import type { Caller } from './access.ts'

const READING_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

export interface AuditedResponse {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly caller: Caller
  /** Code of the problem; undefined if the change was made. */
  readonly code: string | undefined
}

/** Parameters are logged only after their check: before it, they may contain passwords and anything else. */
export function writeAuditLine(log: Log, { request, reply, caller, code }: AuditedResponse): void {
  const route = request.routeOptions.url
  if (route?.startsWith('/api/') !== true || READING_METHODS.includes(request.method)) return
  const isChecked = code === undefined || reply.statusCode > 403
  log.info(
    {
      event: 'admin-change',
      token: caller.token,
      from: caller.from,
      change: `${request.method} ${route}`,
      ...(isChecked ? { parameters: shownParameters(request) } : {}),
      result: code ?? 'done',
    },
    'a change was requested over the admin API',
  )
}

function shownParameters({ params, query }: FastifyRequest): Record<string, unknown> {
  const all = Object.entries({ ...(params as object), ...(query as object) })
  return Object.fromEntries(
    all.map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString('hex') : value]),
  )
}
