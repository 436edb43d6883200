/**
 * Checks announce URLs for everything that makes clients refuse them or derive a wrong scrape URL.
 *
 * A client that refuses a URL reports it only in its own log, and its host never gets the file. The topology file
 * is rejected instead, and each rule names the client that it exists for. The rules were found by running the
 * clients, or by reading their sources where a version is given.
 */

export interface UrlProblem {
  readonly what: string
  readonly hint: string
  /** A client never announces to this URL. Otherwise only its scrapes fail, or a secret is exposed. */
  readonly isRefused: boolean
}

/** All problems of an announce URL; empty for a good one. */
export function trackerUrlProblems(url: string): UrlProblem[] {
  if (/[^\x21-\x7e]/.test(url)) {
    return [
      {
        what: 'a space, a control character or a letter beyond ASCII in a tracker URL',
        hint: 'libtorrent 2.0.13 and later refuse it; percent-encode it in the query, or remove it',
        isRefused: true,
      },
    ]
  }
  const parts = splitUrl(url)
  if (parts === undefined) {
    return [
      {
        what: 'expected a tracker URL',
        hint: 'write it as http://tracker.example:6969/announce',
        isRefused: true,
      },
    ]
  }
  return [
    ...schemeProblems(parts),
    ...hostProblems(parts),
    ...portProblems(parts),
    ...pathProblems(parts),
    ...queryProblems(parts),
  ]
}

/** Host and port of a tracker; the host in lower case. undefined if the text is not a URL. */
export function endpointOfUrl(url: string): { readonly host: string; readonly port: number } | undefined {
  const parts = splitUrl(url)
  if (parts === undefined) return undefined
  const defaultPort = parts.scheme === 'https' ? 443 : 80
  return { host: parts.host.toLowerCase(), port: parts.port === undefined ? defaultPort : Number(parts.port) }
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

interface UrlParts {
  readonly scheme: string
  readonly host: string
  readonly port: string | undefined
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly hasUser: boolean
  readonly hasFragment: boolean
}

/** Not `new URL`: it normalises its input (case, escapes, `0x7f.1`), and clients do not. */
function splitUrl(url: string): UrlParts | undefined {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/i.exec(url)
  if (match === null) return undefined
  const [, scheme = '', authority = '', path = '', query = '', fragment] = match
  const hostPort = authority.slice(authority.lastIndexOf('@') + 1)
  const colon = /:([^:\]]*)$/.exec(hostPort)
  return {
    scheme,
    host: colon === null ? hostPort : hostPort.slice(0, colon.index),
    port: colon?.[1],
    path,
    query,
    hasUser: authority.includes('@'),
    hasFragment: fragment !== undefined,
  }
}

const SCHEMES = ['http', 'https', 'udp']

function schemeProblems({ scheme }: UrlParts): UrlProblem[] {
  if (SCHEMES.includes(scheme)) return []
  if (SCHEMES.includes(scheme.toLowerCase())) {
    return [
      {
        what: `the scheme ${scheme} is not in lower case`,
        hint: `rtorrent refuses it; write ${scheme.toLowerCase()}`,
        isRefused: true,
      },
    ]
  }
  return [
    {
      what: `${scheme} is not a tracker protocol`,
      hint: 'libtorrent and rtorrent refuse it; write http, https or udp',
      isRefused: true,
    },
  ]
}

function hostProblems({ host, hasUser }: UrlParts): UrlProblem[] {
  const problems: UrlProblem[] = []
  if (hasUser) {
    problems.push({
      what: 'a user name or password in a tracker URL',
      hint: 'it can be read in every torrent file; use a token after /announce/ instead',
      isRefused: false,
    })
  }
  if (host === '')
    problems.push({
      what: 'the host is missing',
      hint: 'write it as http://tracker.example:6969/announce',
      isRefused: true,
    })
  else if (host.startsWith('[')) {
    problems.push({
      what: 'an IPv6 address as the host of a tracker',
      hint: 'libtorrent 2.0.13 and later refuse it; give the tracker a name with an AAAA record',
      isRefused: true,
    })
  } else if (/[^a-z0-9.-]/i.test(host)) {
    const character = /[^a-z0-9.-]/i.exec(host)?.[0] ?? ''
    problems.push({
      what: `the character ${character} in the host of a tracker`,
      hint: 'libtorrent 2.0.13 and later refuse it; a host has letters, digits, hyphens and dots',
      isRefused: true,
    })
  }
  if (/(?:^|\.)xn--/i.test(host)) {
    problems.push({
      what: 'an international host name (xn--)',
      hint: 'libtorrent, qBittorrent and Deluge block it; give the tracker a plain ASCII name',
      isRefused: true,
    })
  }
  if (/announce/i.test(host)) {
    problems.push({
      what: 'the word announce in the host of a tracker',
      hint: 'libtorrent derives its scrape URL by replacing the first "announce" in it; rename the host',
      isRefused: false,
    })
  }
  return problems
}

function portProblems({ scheme, port }: UrlParts): UrlProblem[] {
  if (port === undefined) {
    if (scheme.toLowerCase() !== 'udp') return []
    return [
      {
        what: 'the port is missing',
        hint: 'UDP trackers have no default port; write udp://tracker.example:6969/announce',
        isRefused: true,
      },
    ]
  }
  const isPort = /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535
  return isPort
    ? []
    : [
        {
          what: port === '' ? 'the port is missing after the colon' : `${port} is not a port`,
          hint: 'a port is a number from 1 to 65535',
          isRefused: true,
        },
      ]
}

/** `/announce`, `/announce/{token}`, or either after the path prefix of a reverse proxy. */
function pathProblems({ path, host }: UrlParts): UrlProblem[] {
  const match = /^(.*?)\/announce(?:\/[^/]+)?$/.exec(path)
  if (match === null) {
    return [
      {
        what: 'the path of a tracker URL must end in /announce, or /announce/ and a token',
        hint: 'otherwise libtorrent, Transmission, rtorrent and WebTorrent cannot derive a scrape URL',
        isRefused: false,
      },
    ]
  }
  const before = match[1] ?? ''
  if (/announce/i.test(before) || path.endsWith('/announce/announce')) {
    return [
      {
        what: 'the word announce twice in the path of a tracker',
        hint: 'libtorrent derives its scrape URL by replacing the first "announce" in it',
        isRefused: false,
      },
    ]
  }
  if (before !== '' && isLoopbackHost(host.toLowerCase())) {
    return [
      {
        what: 'a tracker on a loopback address whose path does not start with /announce',
        hint: 'libtorrent, qBittorrent and Deluge block it',
        isRefused: true,
      },
    ]
  }
  return []
}

/** Parameters that clients add to every announce. */
const RESERVED_PARAMETERS = new Set([
  'info_hash',
  'event',
  'port',
  'left',
  'key',
  'uploaded',
  'downloaded',
  'corrupt',
  'peer_id',
])

function queryProblems({ query, hasFragment }: UrlParts): UrlProblem[] {
  const problems: UrlProblem[] = []
  for (const parameter of query.split('&')) {
    const name = parameter.split('=', 1)[0] ?? ''
    if (!RESERVED_PARAMETERS.has(name.toLowerCase())) continue
    problems.push({
      what: `the parameter ${name} in the query of a tracker URL`,
      hint: 'libtorrent, qBittorrent and Deluge block it; use another name, such as pk',
      isRefused: true,
    })
  }
  if (query.includes('/')) {
    problems.push({
      what: 'a slash in the query of a tracker URL',
      hint: 'Transmission searches for "announce" after the last slash to derive its scrape URL; write %2F',
      isRefused: false,
    })
  }
  if (hasFragment) {
    problems.push({
      what: 'a # in a tracker URL',
      hint: 'clients do not send the part after it; remove it',
      isRefused: false,
    })
  }
  return problems
}
