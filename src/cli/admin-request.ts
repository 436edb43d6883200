/**
 * Sends a request to the admin listener of a node, and distinguishes a refusal from an unreachable node.
 *
 * Uses `node:http` instead of `fetch`: `fetch` rejects URLs with a user and some ports that a listener may have, and
 * repeats the URL with its password in the error. A reverse proxy in front of the listener may require user and
 * password; they are part of `--url` and appear in no message.
 */
import { once } from 'node:events'
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as sendHttp,
} from 'node:http'
import { request as sendHttps } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { InputError } from '../core/errors.ts'
import { describeNetworkError } from '../core/network-errors.ts'
import { redactUrl, takeCredentials } from '../core/url-credentials.ts'
import { type CommandContext, type CommandFlag, type CommandFlags, textFlag } from './command.ts'
import { readWholeFile } from './files.ts'

/** A token has at most 512 characters, and a line break may follow. */
const TOKEN_FILE_BYTES_MAX = 1_024
const DEFAULT_URL = 'http://127.0.0.1:6970'
/** The node responds from memory; a slower response is not expected to arrive. */
const DEADLINE_MS = 10_000
/** The node opens the origin of a torrent that is registered, which may be far away. */
const REGISTER_DEADLINE_MS = 30_000

export const adminFlags: readonly CommandFlag[] = [
  { flags: '--url <admin>', description: `admin listener of the node (default ${DEFAULT_URL})` },
  { flags: '--token <token>', description: 'admin token (default: SITESWARM_ADMIN_TOKEN)' },
  {
    flags: '--token-file <file>',
    description: 'file with the admin token (default: SITESWARM_ADMIN_TOKEN_FILE)',
  },
]

/** The node responded with an error. */
export class AdminRefused extends Error {}

/** No node responded. */
export class AdminUnreachable extends Error {}

export interface AdminRequest {
  /** Includes the query. */
  readonly path: string
  /** A .torrent to register; makes the request a POST. */
  readonly torrent?: Buffer
  /** A JSON body. */
  readonly json?: unknown
  /** Default: GET, or POST with a torrent. */
  readonly method?: 'DELETE' | 'PUT' | 'POST'
}

/** Returns the JSON of the response. Rejects with `AdminRefused` or `AdminUnreachable`. */
export async function sendAdminRequest(
  request: AdminRequest,
  flags: CommandFlags,
  context: Pick<CommandContext, 'environment' | 'signal'>,
): Promise<unknown> {
  const target = readTarget(flags, context)
  const { shown } = target
  const { status, headers, text } = await send(request, target, context)
  if (status === 401) throw new AdminRefused(explainUnauthorized(target, headers))
  if (status >= 300 && status <= 399)
    throw new AdminRefused(
      `the server at ${shown} redirects to ${redactUrl(headers.location ?? 'another URL')}; give the URL of the admin listener with --url`,
    )
  const body = readJson(text)
  if (body === undefined) {
    throw new AdminUnreachable(
      `the server at ${shown} is not the admin listener of a node; give its URL with --url, such as ${DEFAULT_URL}`,
    )
  }
  if (status >= 200 && status <= 299) return body
  const { detail } = body as { readonly detail?: unknown }
  throw new AdminRefused(typeof detail === 'string' ? detail : `the node responded with status ${status}`)
}

interface Target {
  readonly url: URL
  /** The URL as it is written, without user and password. */
  readonly shown: string
  readonly authorization: string | undefined
  readonly hasToken: boolean
  readonly hasUser: boolean
}

function readTarget(flags: CommandFlags, { environment }: Pick<CommandContext, 'environment'>): Target {
  const text = textFlag(flags, 'url') ?? DEFAULT_URL
  const token = readToken(flags, environment)
  const url = URL.canParse(text) ? new URL(text) : undefined
  // A password with a slash looks like a port and a path.
  const isAmbiguous = url?.pathname.includes('@') === true
  if (
    url === undefined ||
    isAmbiguous ||
    !/^https?:\/\//i.test(text) ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new InputError(
      `--url${isAmbiguous ? '' : ` ${redactUrl(text)}`}: write the admin listener of a node as http://host:port, such as ${DEFAULT_URL}`,
    )
  }
  if (/[^\x21-\x7e]/.test(token))
    throw new InputError(
      'the admin token contains a space or another character that a header cannot contain; check --token, --token-file or SITESWARM_ADMIN_TOKEN',
    )
  const basic = takeCredentials(url)
  const shown = url.href.replace(/\/+$/, '')
  if (basic !== undefined && token !== '')
    throw new InputError(
      `--url ${shown}: a request cannot carry both the user of the URL and the admin token; leave one of them out`,
    )
  return {
    url,
    shown,
    authorization: token === '' ? basic : `Bearer ${token}`,
    hasToken: token !== '',
    hasUser: basic !== undefined,
  }
}

/** A flag wins over the environment, as everywhere. */
function readToken(flags: CommandFlags, environment: CommandContext['environment']): string {
  const token = textFlag(flags, 'token')
  const file = textFlag(flags, 'tokenFile')
  if (token !== undefined && file !== undefined)
    throw new InputError('--token and --token-file are both given; leave one of them out')
  if (token !== undefined) return token
  if (file === undefined && environment['SITESWARM_ADMIN_TOKEN'] !== undefined)
    return environment['SITESWARM_ADMIN_TOKEN']
  const path = file ?? environment['SITESWARM_ADMIN_TOKEN_FILE']
  if (path === undefined) return ''
  const read = readWholeFile(path, { bytesMax: TOKEN_FILE_BYTES_MAX })
    .toString()
    .replace(/\r?\n$/, '')
  if (read === '') throw new InputError(`${path}: the file is empty; it must contain the admin token`)
  return read
}

async function send(
  { path, torrent, json, method }: AdminRequest,
  { url, shown, authorization }: Target,
  { environment, signal }: Pick<CommandContext, 'environment' | 'signal'>,
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string }> {
  const deadlineMs = torrent === undefined ? DEADLINE_MS : REGISTER_DEADLINE_MS
  const deadline = AbortSignal.timeout(deadlineMs)
  const body = json === undefined ? torrent : Buffer.from(JSON.stringify(json))
  const type = json === undefined ? 'application/x-bittorrent' : 'application/json'
  const headers: OutgoingHttpHeaders = {
    ...(authorization === undefined ? {} : { authorization }),
    ...(body === undefined ? {} : { 'content-type': type, 'content-length': body.length }),
  }
  try {
    const sendRequest = url.protocol === 'https:' ? sendHttps : sendHttp
    const outgoing = sendRequest(`${url.href.replace(/\/+$/, '')}${path}`, {
      method: method ?? (torrent === undefined ? 'GET' : 'POST'),
      headers,
      agent: false,
      signal: AbortSignal.any([signal, deadline]),
    })
    // Errors after the response are those of its body.
    outgoing.on('error', () => undefined).end(body)
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const text = (await buffer(response)).toString()
    return { status: response.statusCode ?? 0, headers: response.headers, text }
  } catch (error) {
    if (signal.aborted) throw new AdminUnreachable('interrupted')
    const problem = deadline.aborted
      ? `no response within ${deadlineMs / 1_000} s; check the address and the firewall`
      : describeNetworkError(error, environment)
    throw new AdminUnreachable(
      `no node responds at ${shown}: ${problem}, or give the URL of another admin listener with --url`,
    )
  }
}

function explainUnauthorized({ shown, hasToken, hasUser }: Target, headers: IncomingHttpHeaders): string {
  const isProxy = /^basic\b/i.test(headers['www-authenticate'] ?? '')
  if (hasUser) return `the server at ${shown} rejects the user and password of --url`
  if (isProxy) return `the server at ${shown} requires a user and password: --url http://user:password@host`
  return hasToken
    ? `the node at ${shown} rejects the admin token; check --token, --token-file or SITESWARM_ADMIN_TOKEN`
    : `the node at ${shown} requires its admin token: --token, --token-file or SITESWARM_ADMIN_TOKEN`
}

/** Returns undefined for anything but JSON, as sent by a web server or a tracker listener. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
