/**
 * The URL of a Redis, as an operator writes it, taken apart. Both `config`, which points at what is wrong with it,
 * and `site`, which connects, read it here.
 *
 * `redis://` one server, `redis+sentinel://` the Sentinels that know it, `redis+cluster://` some nodes of a Cluster;
 * each with `rediss` for TLS. User and password, percent-encoded where they have special characters, are Redis's own.
 */

export interface StoreEndpoint {
  readonly host: string
  readonly port: number
}

export interface StoreTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** At least one; of a Sentinel set-up those of the Sentinels. */
  readonly endpoints: readonly StoreEndpoint[]
  readonly isTls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** The name by which the Sentinels know the master; empty without Sentinels. */
  readonly master: string
  /** For logs and messages: without user and password. */
  readonly shown: string
}

/** What is wrong, and what to do about it. */
export interface StoreUrlFault {
  readonly message: string
  readonly hint: string
}

const FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^\s@/]*)@)?([^\s@/?#]+)(?:\/([^\s?#]*))?$/
const ENDPOINT = /^(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/

const PORT = 6379
const SENTINEL_PORT = 26379

export function readStoreUrl(text: string): StoreTarget | StoreUrlFault {
  const found = FORM.exec(text)
  if (found === null)
    return fault(
      'this is no URL of a Redis',
      'write memory, redis://host:6379, rediss://…, redis+sentinel://host,host/master or redis+cluster://host,host',
    )
  const [, tls = '', mode, userInfo, hosts = '', path = ''] = found
  const kind = mode === 'sentinel' || mode === 'cluster' ? mode : 'single'
  const endpoints: StoreEndpoint[] = []
  for (const each of hosts.split(',')) {
    const endpoint = readEndpoint(each, kind === 'sentinel' ? SENTINEL_PORT : PORT)
    if (endpoint === undefined)
      return fault(`"${each}" is no host and port`, 'write host:6379, or [::1]:6379')
    endpoints.push(endpoint)
  }
  if (kind === 'single' && endpoints.length > 1)
    return fault(
      'several hosts, but neither Sentinels nor a Cluster',
      'write redis+sentinel://host,host/master or redis+cluster://host,host',
    )

  const parts = path.split('/')
  const master = kind === 'sentinel' ? (parts.shift() ?? '') : ''
  if (kind === 'sentinel' && master === '')
    return fault(
      'the name of the master is missing',
      'Sentinels and the name of their master: redis+sentinel://host:26379,host:26379/master',
    )
  const [database = '', ...more] = parts
  if (!/^\d{0,4}$/.test(database) || more.length > 0)
    return fault(`"${path}" is no database`, 'a database is a number, such as redis://host:6379/0')
  if (kind === 'cluster' && Number(database) > 0)
    return fault('a Redis Cluster has only database 0', 'leave the number away')

  const [username, password] = (userInfo ?? '').split(/:(.*)/s).map(decode)
  if (username === undefined || (userInfo?.includes(':') === true && password === undefined))
    return fault('the user or password has a wrong percent escape', 'write % itself as %25')
  return {
    kind,
    endpoints,
    isTls: tls !== '',
    username: username === '' ? undefined : username,
    password,
    database: Number(database),
    master,
    shown: text.replace(/\/\/[^/@]*@/, '//'),
  }
}

export const isStoreUrlFault = (read: StoreTarget | StoreUrlFault): read is StoreUrlFault => 'message' in read

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

function fault(message: string, hint: string): StoreUrlFault {
  return { message, hint }
}
