/** Sends a request to the admin listener of a node, and distinguishes a refusal from an unreachable node. */
import { InputError } from '../core/errors.ts'

const DEFAULT_URL = 'http://127.0.0.1:6970'
/** The node responds from memory; a slower response is not expected to arrive. */
const DEADLINE_MS = 10_000

/** The node responded with an error. */
export class AdminRefused extends Error {}

/** No node responded. */
export class AdminUnreachable extends Error {}

export interface AdminRequest {
  readonly url: string | undefined
  readonly token: string | undefined
  /** Includes the query. */
  readonly path: string
  readonly signal: AbortSignal
  /** A .torrent to register; makes the request a POST. */
  readonly torrent?: Buffer
  /** Default: GET, or POST with a torrent. */
  readonly method?: 'DELETE'
}

/** Returns the JSON of the response. Rejects with `AdminRefused` or `AdminUnreachable`. */
export async function sendAdminRequest(request: AdminRequest): Promise<unknown> {
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
      `no node responds at ${url} (${why}); start one, or give the URL of its admin listener with --url`,
    )
  }
  const body = readJson(text)
  if (body === undefined) {
    throw new AdminUnreachable(
      `the server at ${url} is not the admin listener of a node; give its URL with --url, such as ${DEFAULT_URL}`,
    )
  }
  if (response.status === 401) {
    throw new AdminRefused(
      token === undefined
        ? `the node at ${url} requires its admin token: --token, or SITESWARM_ADMIN_TOKEN`
        : `the node at ${url} rejects the admin token; check --token or SITESWARM_ADMIN_TOKEN`,
    )
  }
  if (response.ok) return body
  const message = (body as { error?: { message?: string } }).error?.message
  throw new AdminRefused(message ?? `the node responded with status ${response.status}`)
}

/** Returns undefined for anything but JSON, as sent by a web server or a tracker listener. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
