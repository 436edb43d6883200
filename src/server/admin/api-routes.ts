/**
 * Routes of the admin listener. The zod schemas of a route check its requests, give the types of its handler, and are
 * its part of the OpenAPI document.
 *
 * A route states a summary and its responses; without `querystring` it has no parameters, and rejects all. Responses are
 * not checked at run time: the compiler checks their types, and the tests compare each of them with the document.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifySchema,
  FastifyTypeProvider,
  RawServerDefault,
  RouteOptions,
} from 'fastify'
import * as z from 'zod'
import { assert } from '../../core/assert.ts'
import { describeIssues } from './parameters.ts'

interface ZodTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown
  readonly serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown
}

export type ApiRoutes = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypes
>

/** Fields of a route for the document, besides those of Fastify. */
export interface DocumentedSchema extends FastifySchema {
  readonly summary?: string
  readonly description?: string
  /** The route is not in the document: it is for the nodes of remote sites. */
  readonly hide?: boolean
}

const noParameters = z.strictObject({})

/** Makes an instance of Fastify check requests with zod. Called before the first route. */
export function checkWithZod(routes: FastifyInstance): ApiRoutes {
  routes.setValidatorCompiler<z.ZodType>(({ schema }) => (given) => {
    const parsed = schema.safeParse(given)
    return parsed.success
      ? { value: parsed.data }
      : { error: describeIssues(schema, given, parsed.error.issues) }
  })
  routes.setSerializerCompiler(() => (response) => JSON.stringify(response))
  routes.addHook('onRoute', requireDocumentation)
  return routes.withTypeProvider<ZodTypes>()
}

function requireDocumentation(route: RouteOptions): void {
  const schema = (route.schema ?? {}) as DocumentedSchema
  if (schema.hide === true) return
  assert(schema.summary !== undefined, `the route ${route.url} has no summary`)
  assert(schema.response !== undefined, `the route ${route.url} does not state its responses`)
  route.schema = { ...schema, querystring: schema.querystring ?? noParameters }
}
