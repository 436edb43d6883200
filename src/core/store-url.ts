/**
 * Parser of the `store` URL. `config` uses it to report errors with their position, the Redis store to connect.
 *
 * `redis://` one server, `redis+sentinel://` the Sentinels that monitor it, `redis+cluster://` some nodes of a Cluster;
 * each with `rediss` for TLS. User and password are those of Redis, with special characters percent-encoded.
 */

export interface StoreEndpoint {
  readonly host: string
  readonly port: number
}

export interface StoreTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** At least one; with `sentinel`, the addresses of the Sentinels. */
  readonly endpoints: readonly StoreEndpoint[]
  readonly isTls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** Name of the master in the Sentinels' configuration; empty without Sentinels. */
  readonly master: string
  /** For logs and messages: the URL without user and password. */
  readonly redactedUrl: string
}

/** An error in the URL, and the remedy. */
export interface StoreUrlProblem {
  readonly message: string
  readonly hint: string
}

const FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^\s@/]*)@)?([^\s@/?#]+)(?:\/([^\s?#]*))?$/
const ENDPOINT = /^(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/

const PORT = 6379
const SENTINEL_PORT = 26379

export function readStoreUrl(text: string): StoreTarget | StoreUrlProblem {
  const found = FORM.exec(text)
  if (found === null)
    return problem(
      'this is not the URL of a Redis',
      'write memory, redis://host:6379, rediss://…, redis+sentinel://host,host/master or redis+cluster://host,host',
    )
  const [, tls = '', mode, userInfo, hosts = '', path = ''] = found
  const kind = mode === 'sentinel' || mode === 'cluster' ? mode : 'single'
  const endpoints: StoreEndpoint[] = []
  for (const each of hosts.split(',')) {
    const endpoint = readEndpoint(each, kind === 'sentinel' ? SENTINEL_PORT : PORT)
    if (endpoint === undefined)
      return problem(`"${each}" is not a host and port`, 'write host:6379, or [::1]:6379')
    endpoints.push(endpoint)
  }
  if (kind === 'single' && endpoints.length > 1)
    return problem(
      'several hosts, but neither Sentinels nor a Cluster',
      'write redis+sentinel://host,host/master or redis+cluster://host,host',
    )

  const parts = path.split('/')
  const master = kind === 'sentinel' ? (parts.shift() ?? '') : ''
  if (kind === 'sentinel' && master === '')
    return problem(
      'the name of the master is missing',
      'Sentinels and the name of their master: redis+sentinel://host:26379,host:26379/master',
    )
  const [database = '', ...more] = parts
  if (!/^\d{0,4}$/.test(database) || more.length > 0)
    return problem(`"${path}" is not a database`, 'a database is a number, such as redis://host:6379/0')
  if (kind === 'cluster' && Number(database) > 0)
    return problem('a Redis Cluster has only database 0', 'remove the number')

  const [username, password] = (userInfo ?? '').split(/:(.*)/s).map(decode)
  if (username === undefined || (userInfo?.includes(':') === true && password === undefined))
    return problem('the user or password has a wrong percent escape', 'write % itself as %25')
  return {
    kind,
    endpoints,
    isTls: tls !== '',
    username: username === '' ? undefined : username,
    password,
    database: Number(database),
    master,
    redactedUrl: text.replace(/\/\/[^/@]*@/, '//'),
  }
}

export const isStoreUrlProblem = (read: StoreTarget | StoreUrlProblem): read is StoreUrlProblem =>
  'message' in read

function readEndpoint(text: string, portDefault: number): StoreEndpoint | undefined {
  const [, v6, name, portText] = ENDPOINT.exec(text) ?? []
  const host = v6 ?? name
  const port = portText === undefined ? portDefault : Number(portText)
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function problem(message: string, hint: string): StoreUrlProblem {
  return { message, hint }
}
