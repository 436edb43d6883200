/** Asks the admin listener of a running node, and tells apart what it refused from what could not be reached. */
import { InputError } from '../core/errors.ts'

const DEFAULT_URL = 'http://127.0.0.1:6970'
/** Admin answers come from memory; one that takes longer does not come. */
const DEADLINE_MS = 10_000

/** The node answered, but not with what was asked for. */
export class AdminRefused extends Error {}

/** No node answered. */
export class AdminUnreachable extends Error {}

export interface AdminRequest {
  readonly url: string | undefined
  readonly token: string | undefined
  /** With its query. */
  readonly path: string
  readonly signal: AbortSignal
  /** A .torrent to register: it makes the request a POST. */
  readonly torrent?: Buffer
  /** Instead of asking for what is at the path. */
  readonly method?: 'DELETE'
}

/** The answer's JSON. Rejects with `AdminRefused` or `AdminUnreachable`. */
export async function askAdmin(request: AdminRequest): Promise<unknown> {
  const { url = DEFAULT_URL, token, path, signal, torrent, method } = request
  const target = `${url.replace(/\/+$/, '')}${path}`
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new InputError(
      `--url ${url}: write the admin listener of a node as http://host:port, such as ${DEFAULT_URL}`,
    )
  }
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  if (torrent !== undefined) headers['content-type'] = 'application/x-bittorrent'
  let response: Response
  let text: string
  try {
    response = await fetch(target, {
      headers,
      ...(method === undefined ? {} : { method }),
      ...(torrent === undefined ? {} : { method: 'POST', body: new Uint8Array(torrent) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
    })
    text = await response.text()
  } catch (error) {
    const cause = (error as { cause?: { code?: string; message?: string } }).cause
    const why = cause?.code ?? cause?.message ?? (error as Error).message
    throw new AdminUnreachable(
      `no node answers at ${url} (${why}); start one, or name its admin listener with --url`,
    )
  }
  const body = readJson(text)
  if (body === undefined) {
    throw new AdminUnreachable(
      `what answers at ${url} is not the admin listener of a node; name that with --url, such as ${DEFAULT_URL}`,
    )
  }
  if (response.status === 401) {
    throw new AdminRefused(
      token === undefined
        ? `the node at ${url} wants its admin token: --token, or SITESWARM_ADMIN_TOKEN`
        : `the node at ${url} has another admin token (--token, SITESWARM_ADMIN_TOKEN)`,
    )
  }
  if (response.ok) return body
  const message = (body as { error?: { message?: string } }).error?.message
  throw new AdminRefused(message ?? `the node answered ${response.status}`)
}

/** undefined for what is no JSON: a web server or a tracker speaks there. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
