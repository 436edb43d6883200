/** A request with a method that its path does not have. */
import { expect, it } from 'vitest'
import { anAdmin } from '../../../an-admin.ts'

const HASH = 'ab'.repeat(20)

it.each([
  ['PUT', '/api/v1/torrents?q=a', 'GET, HEAD, POST'],
  ['POST', `/api/v1/torrents/${HASH}`, 'DELETE, GET, HEAD'],
  ['PATCH', '/api/v1/links/fra/ams', 'POST'],
  ['DELETE', '/metrics', 'GET, HEAD'],
])('%s %s is answered with the methods that the path has', async (method, path, allow) => {
  const { request } = await anAdmin()
  const response = await request(path, { method })
  expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
  expect(await response.json()).toMatchObject({ code: 'method-unsupported' })
})

it.each(['/api/v1/node/', `/api/v1/torrents/${HASH}/hosts`, '/api/v2/torrents'])(
  'DELETE %s is not found, because no route has this path',
  async (path) => {
    const { request } = await anAdmin()
    const response = await request(path, { method: 'DELETE' })
    expect([response.status, response.headers.get('allow')]).toEqual([404, null])
  },
)
