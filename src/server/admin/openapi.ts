/**
 * The OpenAPI document of the admin listener, at `/openapi.json`: made of the schemas that check the requests, so that
 * it cannot differ from them.
 */
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { problemSchema, PROBLEM_TYPE } from './api-error.ts'
import type { ApiRoutes, DocumentedSchema } from './api-routes.ts'

type Transform = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>
type Document = Extract<Parameters<Transform>[0], { readonly openapiObject: unknown }>['openapiObject']
type Json = Record<string, unknown>

/** The parts of a request that a schema describes. */
const REQUEST_PARTS = ['querystring', 'params', 'body'] as const

const TITLE = 'siteswarm admin API'
const DESCRIPTION =
  'State and operation of one node. Requests below /api need a bearer token if the node has one; GET changes nothing.'

/** Collects the routes that are added after this call. */
export function collectDocument(
  routes: FastifyInstance,
  { version, hasTokens }: { readonly version: string; readonly hasTokens: boolean },
): void {
  const options: FastifyDynamicSwaggerOptions = {
    openapi: {
      openapi: '3.1.0',
      info: { title: TITLE, description: DESCRIPTION, version },
      components: {
        schemas: { Problem: jsonSchema(problemSchema, 'output') },
        responses: {
          Problem: {
            description: 'The request is rejected, or failed: problem details (RFC 9457).',
            content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        },
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'admin.token, or admin.readToken for GET.' },
        },
      },
    },
    transform: ({ schema, url }) => ({ schema: toJsonSchemas(schema ?? {}), url }),
    transformObject: (found) =>
      'openapiObject' in found ? addProblems(found.openapiObject, hasTokens) : found.swaggerObject,
    exposeHeadRoutes: false,
  }
  void routes.register(swagger, options)
}

export function addDocumentRoute(routes: ApiRoutes): void {
  routes.get(
    '/openapi.json',
    {
      schema: {
        summary: 'This document',
        response: { 200: z.record(z.string(), z.unknown()).describe('OpenAPI 3.1.') },
      },
    },
    async () => routes.swagger() as unknown as Json,
  )
}

function toJsonSchemas(schema: DocumentedSchema): DocumentedSchema {
  const converted: Json = { ...schema }
  for (const part of REQUEST_PARTS)
    if (schema[part] instanceof z.ZodType) converted[part] = jsonSchema(schema[part], 'input')
  const responses = Object.entries((schema.response ?? {}) as Record<string, unknown>)
  converted['response'] = Object.fromEntries(
    responses.map(([status, response]) => [status, toJsonResponse(response)]),
  )
  return converted
}

/** A schema of JSON, or a description with a schema for each type of content. */
function toJsonResponse(response: unknown): unknown {
  if (response instanceof z.ZodType)
    return toJsonResponse({
      description: response.description ?? 'Done.',
      content: { 'application/json': { schema: response } },
    })
  const { content, ...rest } = response as {
    readonly content: Record<string, { readonly schema: z.ZodType }>
  }
  const types = Object.entries(content).map(([type, { schema }]) => [
    type,
    { schema: jsonSchema(schema, 'output') },
  ])
  return { ...rest, content: Object.fromEntries(types) as Json }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _version, ...json } = z.toJSONSchema(schema, {
    io,
    override: ({ zodSchema, jsonSchema: described }) => {
      // Left out by zod because it is the value after the transform; here, both have the same text.
      if (zodSchema instanceof z.ZodDefault) described.default = zodSchema.def.defaultValue
    },
  }) as Json
  return json
}

/** Each route may reject a request; the routes under /api require a token, if the node has one. */
function addProblems(document: Document, hasTokens: boolean): Document {
  const paths = (document as { readonly paths?: Record<string, Record<string, Json>> }).paths ?? {}
  for (const [path, operations] of Object.entries(paths))
    for (const operation of Object.values(operations)) {
      const problem = { $ref: '#/components/responses/Problem' }
      operation['responses'] = { ...(operation['responses'] as Json), '4XX': problem, '5XX': problem }
      if (hasTokens && path.startsWith('/api/')) operation['security'] = [{ token: [] }]
    }
  return document
}
