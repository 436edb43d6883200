/**
 * Connections to HTTP and S3 origins, through the proxies that the environment names: `http_proxy`, `https_proxy` and
 * `no_proxy`, in lower or upper case, as undici's EnvHttpProxyAgent reads them.
 *
 * A request to an http:// URL is sent to the proxy with the whole URL, and only https:// gets a tunnel: many proxies
 * refuse CONNECT to ports other than 443.
 */
import type { LookupFunction } from 'node:net'
import { type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { redactUrl } from '../core/url-credentials.ts'
import { OriginError } from './origin-error.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Throws an `OriginError` for a proxy that cannot be used. The caller destroys the dispatcher. */
export function openDispatcher(
  environment: Environment,
  connectionsMax: number,
  lookup?: LookupFunction,
): Dispatcher {
  return new EnvHttpProxyAgent({
    httpProxy: proxyUrl(environment, 'http_proxy'),
    httpsProxy: proxyUrl(environment, 'https_proxy'),
    noProxy: readVariable(environment, 'no_proxy').value,
    proxyTunnel: false,
    connections: connectionsMax,
    connect: { timeout: CONNECT_DEADLINE_MS, ...(lookup === undefined ? {} : { lookup }) },
  })
}

/** Returns a clause that names the proxy for URLs of this protocol; empty without one. */
export function describeProxy(protocol: string, environment: Environment): string {
  const names = protocol === 'https:' ? ['https_proxy', 'http_proxy'] : ['http_proxy']
  const proxy = names.map((name) => readVariable(environment, name)).find(({ value }) => value !== '')
  return proxy === undefined
    ? ''
    : `; ${proxy.name} is ${redactUrl(withScheme(proxy.value))}, except for no_proxy`
}

/** An empty text where the variable is not set. */
function proxyUrl(environment: Environment, variable: string): string {
  const { name, value } = readVariable(environment, variable)
  if (value === '') return ''
  const text = withScheme(value)
  if (!URL.canParse(text) || new URL(text).hostname === '')
    throw new OriginError('unusable', `${name}: not the URL of a proxy; write http://host:port`)
  if (!SCHEMES.includes(new URL(text).protocol))
    throw new OriginError('unusable', `${name}: only http:// and https:// proxies are supported`)
  const { username, password } = new URL(text)
  if (!isPercentEncoded(username) || !isPercentEncoded(password))
    throw new OriginError('unusable', `${name}: write a % in the user or password as %25`)
  return text
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** curl, too, accepts `host:port` without a scheme. */
function withScheme(value: string): string {
  return value.includes('://') ? value : `http://${value}`
}

function readVariable(environment: Environment, lower: string) {
  const upper = lower.toUpperCase()
  const name = environment[lower] === undefined ? upper : lower
  return { name: environment[name] === undefined ? lower : name, value: (environment[name] ?? '').trim() }
}

const SCHEMES: readonly string[] = ['http:', 'https:']

const CONNECT_DEADLINE_MS = 10_000
