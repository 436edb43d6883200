/** Starts an admin listener on a free port; see an-admin-context.ts for what it reads. */
import { onTestFinished } from 'vitest'
import type { AdminTokens } from '../src/server/admin/access.ts'
import type { AdminContext } from '../src/server/admin/admin-context.ts'
import { AdminServer } from '../src/server/admin/admin-server.ts'
import { anAdminContext } from './an-admin-context.ts'
import { ApiDocument, fetchChecked } from './api-document.ts'

export async function anAdmin(
  tokens?: AdminTokens,
  more?: Partial<Pick<AdminContext, 'isTrusted' | 'node' | 'operations'>>,
) {
  const { context, ...parts } = anAdminContext(tokens, more)
  const server = new AdminServer(context)
  const port = await server.start({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.stop())
  const url = `http://127.0.0.1:${port}`
  const document = await ApiDocument.of(url)
  /** Every answer is checked against the document. */
  const request = (path: string, init: RequestInit = {}) => fetchChecked(document, `${url}${path}`, init)
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await request(path, { headers })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const call = async (method: string, path: string, body?: Buffer, headers: Record<string, string> = {}) => {
    const response = await request(`/api/v1/torrents${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/x-bittorrent' }), ...headers },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { ...parts, url, call, get, request, document }
}
