/** The OpenAPI document: valid, complete, and the same as the checks. `anAdmin` compares each answer of the tests with it. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { AdminTokens } from '../../../../src/server/admin/access.ts'
import { anAdmin } from '../../../an-admin.ts'

const ROUTES = 'src/server/admin/routes'

async function theDocument(tokens?: AdminTokens) {
  const { request, document } = await anAdmin(tokens)
  return { document, json: (await (await request('/openapi.json')).json()) as Record<string, unknown> }
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const { json } = await theDocument()
    const { valid, errors } = await new Validator().validate(json)
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
    expect(json['openapi']).toMatch(/^3\.1\./)
  })

  it('has each route, except those for the nodes of other sites', async () => {
    const { document } = await theDocument()
    const declared = readdirSync(ROUTES).flatMap((file) =>
      [
        ...readFileSync(`${ROUTES}/${file}`, 'utf8').matchAll(
          /\.(get|post|put|patch|delete)\(\s*'(\/[^']+)'/g,
        ),
      ].map(([, method = '', path = '']) => `${method.toUpperCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`),
    )
    const operators = declared.filter((route) => !route.includes('/federation/'))
    expect(operators.length).toBeGreaterThan(15)
    expect(document.operations.toSorted()).toEqual([...operators, 'GET /openapi.json'].toSorted())
  })

  it('states the range, the default and the values of each parameter', async () => {
    const { json } = await theDocument()
    const paths = json['paths'] as Record<string, { get: { parameters: unknown[] } }>
    const parameters = paths['/api/v1/swarms/{infoHash}/peers']?.get.parameters
    expect(parameters).toContainEqual(
      expect.objectContaining({
        in: 'query',
        name: 'limit',
        schema: expect.objectContaining({ type: 'integer', minimum: 1, maximum: 1000, default: 100 }),
      }),
    )
    expect(parameters).toContainEqual(
      expect.objectContaining({
        name: 'role',
        schema: expect.objectContaining({ enum: ['leecher', 'seed', 'partial'] }),
      }),
    )
  })

  it('requires a token for each route under /api, and for no other', async () => {
    const { json } = await theDocument({ operate: 'operate-operate', read: undefined })
    const paths = json['paths'] as Record<string, Record<string, { security?: unknown }>>
    for (const [path, operations] of Object.entries(paths))
      for (const { security } of Object.values(operations))
        expect({ path, security }).toEqual({
          path,
          security: path.startsWith('/api/') ? [{ token: [] }] : undefined,
        })
  })
})

describe('the OpenAPI document of a node without tokens', () => {
  it('requires none', async () => {
    const { json } = await theDocument()
    expect(JSON.stringify(json['paths'])).not.toContain('"security"')
  })
})

describe('every route', () => {
  it('rejects a parameter that it does not have, and lists those that it has', async () => {
    const { document, request } = await anAdmin()
    for (const operation of document.operations) {
      const [method = '', template = ''] = operation.split(' ')
      if (template === '/api/v1/events') continue
      const path = template.replace('{infoHash}', '00'.repeat(20)).replace('{ip}', '127.1.1.5')
      const body = { body: 'de', headers: { 'content-type': 'application/x-bittorrent' } }
      const json = (text: string) => ({ body: text, headers: { 'content-type': 'application/json' } })
      const hosts = json('{"hosts":{}}')
      const bodies: Readonly<Record<string, object>> = {
        'POST /api/v1/torrents': body,
        'POST /api/v1/topology/check': { body: 'sites:', headers: { 'content-type': 'application/yaml' } },
        'POST /api/v1/links/{a}/{b}': json('{"rate":null}'),
        'PUT /api/v1/rollouts/{infoHash}/expect': hosts,
        'PATCH /api/v1/rollouts/{infoHash}/expect': hosts,
      }
      const init = { method, ...bodies[operation] }
      const response = await request(`${path}?mistyped=1`, init)
      const { code, detail } = (await response.json()) as { code: string; detail: string }
      expect({ operation, status: response.status, code }).toEqual({
        operation,
        status: 400,
        code: 'parameter-unknown',
      })
      expect(detail).toMatch(
        /^there is no parameter "mistyped"; (?:the parameters are \w|the route has none)/,
      )
    }
  })
})
