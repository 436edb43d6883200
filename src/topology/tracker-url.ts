/**
 * Which announce URLs clients refuse, or derive a wrong scrape URL from.
 *
 * A client that refuses a URL says so in a log that nobody reads, and its host stays without the file. So the
 * topology file is refused instead, and each rule names the client that it is there for. The rules were found
 * by running the clients, or by reading them where a version is given.
 */

export interface UrlFault {
  readonly what: string
  readonly hint: string
  /** Some client never announces there. Elsewhere only its scrapes fail, or a secret is no secret. */
  readonly isRefused: boolean
}

/** Everything that is wrong with an announce URL; empty for a good one. */
export function trackerUrlFaults(url: string): UrlFault[] {
  if (/[^\x21-\x7e]/.test(url)) {
    return [
      {
        what: 'a space, a control character or a letter beyond ASCII in a tracker URL',
        hint: 'libtorrent 2.0.13 and later refuse it; percent-encode it in the query, or leave it out',
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
    ...schemeFaults(parts),
    ...hostFaults(parts),
    ...portFaults(parts),
    ...pathFaults(parts),
    ...queryFaults(parts),
  ]
}

/** Where a tracker listens; the host in lower case. undefined for what is no URL. */
export function endpointOfUrl(url: string): { readonly host: string; readonly port: number } | undefined {
  const parts = splitUrl(url)
  if (parts === undefined) return undefined
  const defaultPort = parts.scheme === 'https' ? 443 : 80
  return { host: parts.host.toLowerCase(), port: parts.port === undefined ? defaultPort : Number(parts.port) }
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(host)
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

/** Not `new URL`: it repairs what it reads (case, escapes, `0x7f.1`), and clients do not. */
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

function schemeFaults({ scheme }: UrlParts): UrlFault[] {
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
      what: `${scheme} is no scheme of a tracker`,
      hint: 'libtorrent and rtorrent refuse it; write http, https or udp',
      isRefused: true,
    },
  ]
}

function hostFaults({ host, hasUser }: UrlParts): UrlFault[] {
  const faults: UrlFault[] = []
  if (hasUser) {
    faults.push({
      what: 'a user name or password in a tracker URL',
      hint: 'everybody with the torrent file can read it; put a token behind /announce/ instead',
      isRefused: false,
    })
  }
  if (host === '')
    faults.push({
      what: 'the host is missing',
      hint: 'write it as http://tracker.example:6969/announce',
      isRefused: true,
    })
  else if (host.startsWith('[')) {
    faults.push({
      what: 'an IPv6 address as the host of a tracker',
      hint: 'libtorrent 2.0.13 and later refuse it; give the tracker a name with an AAAA record',
      isRefused: true,
    })
  } else if (/[^a-z0-9.-]/i.test(host)) {
    const character = /[^a-z0-9.-]/i.exec(host)?.[0] ?? ''
    faults.push({
      what: `the character ${character} in the host of a tracker`,
      hint: 'libtorrent 2.0.13 and later refuse it; a host has letters, digits, hyphens and dots',
      isRefused: true,
    })
  }
  if (/(?:^|\.)xn--/i.test(host)) {
    faults.push({
      what: 'an international host name (xn--)',
      hint: 'libtorrent, qBittorrent and Deluge block it; give the tracker a plain ASCII name',
      isRefused: true,
    })
  }
  if (/announce/i.test(host)) {
    faults.push({
      what: 'the word announce in the host of a tracker',
      hint: 'libtorrent makes its scrape URL by replacing the first "announce" that it finds; rename the host',
      isRefused: false,
    })
  }
  return faults
}

function portFaults({ scheme, port }: UrlParts): UrlFault[] {
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
          what: `${port === '' ? 'nothing' : port} is no port`,
          hint: 'a port is a number from 1 to 65535',
          isRefused: true,
        },
      ]
}

/** `/announce`, `/announce/{token}`, or either behind the path of a reverse proxy. */
function pathFaults({ path, host }: UrlParts): UrlFault[] {
  const match = /^(.*?)\/announce(?:\/[^/]+)?$/.exec(path)
  if (match === null) {
    return [
      {
        what: 'the path of a tracker URL must end in /announce, or /announce/ and a token',
        hint: 'libtorrent, Transmission, rtorrent and WebTorrent find no scrape URL otherwise',
        isRefused: false,
      },
    ]
  }
  const before = match[1] ?? ''
  if (/announce/i.test(before) || path.endsWith('/announce/announce')) {
    return [
      {
        what: 'the word announce twice in the path of a tracker',
        hint: 'libtorrent makes its scrape URL by replacing the first "announce" that it finds',
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

/** What clients put into every announce themselves. */
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

function queryFaults({ query, hasFragment }: UrlParts): UrlFault[] {
  const faults: UrlFault[] = []
  for (const parameter of query.split('&')) {
    const name = parameter.split('=', 1)[0] ?? ''
    if (!RESERVED_PARAMETERS.has(name.toLowerCase())) continue
    faults.push({
      what: `the parameter ${name} in the query of a tracker URL`,
      hint: 'libtorrent, qBittorrent and Deluge block it; use another name, such as pk',
      isRefused: true,
    })
  }
  if (query.includes('/')) {
    faults.push({
      what: 'a slash in the query of a tracker URL',
      hint: 'Transmission looks for "announce" behind the last slash to find the scrape URL; write %2F',
      isRefused: false,
    })
  }
  if (hasFragment) {
    faults.push({
      what: 'a # in a tracker URL',
      hint: 'what stands behind it never reaches a tracker; leave it out',
      isRefused: false,
    })
  }
  return faults
}
