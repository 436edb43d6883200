import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { addDashboardRoutes } from '../../../../src/server/admin/routes/dashboard.ts'
import { aDirectory } from '../../../a-node.ts'

const PAGE = '<!doctype html><title>siteswarm</title>'
const SCRIPT = 'console.log(1)\n'.repeat(100)

async function aServer(isBuilt = true) {
  const directory = join(await aDirectory(), 'page')
  if (isBuilt) {
    mkdirSync(join(directory, 'assets'), { recursive: true })
    writeFileSync(join(directory, 'index.html'), PAGE)
    writeFileSync(join(directory, 'assets/index-Ab1_.js'), SCRIPT)
    writeFileSync(join(directory, 'assets/notes.txt'), 'not a part of the page')
    writeFileSync(join(directory, '..', 'secret.js'), 'secret')
  }
  const routes = fastify()
  addDashboardRoutes(routes, directory)
  return (url: string, headers: Record<string, string> = {}) => routes.inject({ url, headers })
}

describe('the dashboard', () => {
  test('is the page at /, which is asked for each time and can neither load nor be framed by anything else', async () => {
    const get = await aServer()
    const { statusCode, headers, body } = await get('/')
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: PAGE })
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
  })

  test('is not sent again to a browser that has it', async () => {
    const get = await aServer()
    const { headers } = await get('/')
    const again = await get('/', { 'if-none-match': String(headers.etag) })
    expect({ statusCode: again.statusCode, body: again.body }).toEqual({ statusCode: 304, body: '' })
    expect((await get('/', { 'if-none-match': '"other"' })).statusCode).toBe(200)
  })

  test('has files that browsers keep, compressed where they accept it', async () => {
    const get = await aServer()
    const plain = await get('/assets/index-Ab1_.js')
    expect(plain.body).toBe(SCRIPT)
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const compressed = await get('/assets/index-Ab1_.js', { 'accept-encoding': 'br, gzip' })
    expect(compressed.headers['content-encoding']).toBe('gzip')
    expect(createHash('sha256').update(gunzipSync(compressed.rawPayload)).digest('hex')).toBe(
      createHash('sha256').update(SCRIPT).digest('hex'),
    )
  })

  test.each([
    '/assets/notes.txt',
    '/assets/..%2findex.html',
    '/assets/..%2f..%2fsecret.js',
    '/assets/missing.js',
  ])('does not serve %s', async (url) => {
    const get = await aServer()
    expect((await get(url)).statusCode).toBe(404)
  })

  test('states the command to build it where it is not built', async () => {
    const get = await aServer(false)
    const { statusCode, body } = await get('/')
    expect(statusCode).toBe(404)
    expect(body).toContain('npm run build')
  })
})
