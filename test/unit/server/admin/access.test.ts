/** Access to the admin API: roles, origins of pages, and the audit log. */
import { request as sendHttp } from 'node:http'
import { describe, expect, it } from 'vitest'
import { anAdmin } from '../../../an-admin.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../../a-torrent.ts'

const OPERATE = 'operate-operate'
const READ = 'read-read-read'
const TOKENS = { operate: OPERATE, read: READ }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('the token to read', () => {
  it('reads each route, and changes nothing', async () => {
    const { request, document } = await anAdmin(TOKENS)
    for (const operation of document.operations) {
      const [method = '', template = ''] = operation.split(' ')
      if (!template.startsWith('/api/') || template === '/api/v1/events') continue
      const path = template.replace('{infoHash}', PLAIN_INFO_HASH)
      const { status } = await request(path, { method, headers: bearer(READ) })
      const isRefused = status === 401 || status === 403
      expect({ operation, isRefused }).toEqual({ operation, isRefused: method !== 'GET' })
    }
  })

  it('gets the name of the token that a change requires', async () => {
    const { request } = await anAdmin(TOKENS)
    const response = await request('/api/v1/drain', { method: 'POST', headers: bearer(READ) })
    expect(await response.json()).toEqual({
      title: 'Forbidden',
      status: 403,
      code: 'role-insufficient',
      detail: 'admin.readToken may only read; POST requires admin.token',
    })
  })
})

describe('the token to operate', () => {
  it('reads and changes', async () => {
    const { request } = await anAdmin(TOKENS)
    expect((await request('/api/v1/node', { headers: bearer(OPERATE) })).status).toBe(200)
    expect((await request('/api/v1/reload', { method: 'POST', headers: bearer(OPERATE) })).status).toBe(200)
  })
})

describe('a wrong token', () => {
  it('is rejected late and logged; a request without one at once and silently', async () => {
    const { request, log } = await anAdmin(TOKENS)
    expect((await request('/api/v1/node')).status).toBe(401)
    expect(log).toEqual([])
    expect((await request('/api/v1/node', { headers: bearer('read-read-rea') })).status).toBe(401)
    expect(log).toEqual([{ level: 'warn', event: 'admin-token-wrong', from: '127.0.0.1', count: 1 }])
  })
})

describe('the audit log', () => {
  it('has one line for each change, with the name of the token, the change and the result', async () => {
    const { request, log } = await anAdmin(TOKENS)
    const headers = { ...bearer(OPERATE), 'content-type': 'application/x-bittorrent' }
    const post = { method: 'POST', headers, body: new Uint8Array(PLAIN_TORRENT) }
    await request('/api/v1/torrents?origin=/srv/a.txt', post)
    await request('/api/v1/torrents?origin=https://me:secret@host/a.txt', post)
    await request(`/api/v1/torrents/${'00'.repeat(20)}`, { method: 'DELETE', headers: bearer(OPERATE) })
    await request('/api/v1/drain?reason=kernel%20update', { method: 'POST', headers: bearer(READ) })
    await request('/api/v1/node', { headers: bearer(READ) })
    const line = { level: 'info', event: 'admin-change', from: '127.0.0.1' }
    expect(log).toEqual([
      {
        ...line,
        token: 'operate',
        change: 'POST /api/v1/torrents',
        parameters: { origin: '/srv/a.txt' },
        result: 'done',
      },
      { ...line, token: 'operate', change: 'POST /api/v1/torrents', result: 'origin-invalid' },
      {
        ...line,
        token: 'operate',
        change: 'DELETE /api/v1/torrents/:infoHash',
        parameters: { infoHash: '00'.repeat(20) },
        result: 'torrent-unknown',
      },
      { ...line, token: 'read', change: 'POST /api/v1/drain', result: 'role-insufficient' },
    ])
  })
})

/** A request with a Host of its own, which fetch does not send. */
function statusOf(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    sendHttp(`${url}/api/v1/node`, { headers, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('a page of the listener', () => {
  const host = 'admin.example'

  it('is accepted from http and from https, which a proxy may end', async () => {
    const { url } = await anAdmin(TOKENS)
    for (const origin of [`http://${host}`, `https://${host}`])
      expect(await statusOf(url, { ...bearer(READ), host, origin })).toBe(200)
    for (const origin of [`https://${host}.evil.example`, `https://${host}:8443`, 'null', `ftp://${host}`])
      expect({ origin, status: await statusOf(url, { ...bearer(READ), host, origin }) }).toEqual({
        origin,
        status: 403,
      })
  })

  it('is accepted by X-Forwarded-Host only behind a trusted proxy', async () => {
    const headers = {
      ...bearer(READ),
      host: 'fra-1:6970',
      origin: `https://${host}`,
      'x-forwarded-host': host,
    }
    const { url } = await anAdmin(TOKENS)
    expect(await statusOf(url, headers)).toBe(403)
    const trusting = await anAdmin(TOKENS, { isTrusted: () => true })
    expect(await statusOf(trusting.url, headers)).toBe(200)
  })
})

describe('behind a trusted proxy', () => {
  it('wrong tokens count for the client that the proxy names, not for the proxy', async () => {
    const { url, log } = await anAdmin(TOKENS, { isTrusted: () => true })
    const headers = { ...bearer('wrong-wrong'), host: 'fra-1', 'x-forwarded-for': '10.9.9.9, 10.0.0.7' }
    expect(await statusOf(url, headers)).toBe(401)
    expect(log).toEqual([{ level: 'warn', event: 'admin-token-wrong', from: '10.0.0.7', count: 1 }])
  })
})
