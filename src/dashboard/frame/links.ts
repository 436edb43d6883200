/** Addresses of the views, in the fragment of the page's address: `#/rollouts/INFOHASH`. */

export type Route =
  | { readonly view: 'overview' }
  | { readonly view: 'rollout'; readonly infoHash: string }
  | { readonly view: 'hosts'; readonly infoHash: string }
  | { readonly view: 'host'; readonly ip: string }
  | { readonly view: 'torrents' }
  | { readonly view: 'torrent'; readonly infoHash: string }
  | { readonly view: 'topology' }
  | { readonly view: 'nodes' }
  | { readonly view: 'unknown'; readonly path: string }

export function readRoute(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#?\/?/, '').split('?')
  const [first = '', second, third] = path.split('/')
  const isInfoHash = second !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(second)
  const infoHash = isInfoHash ? second.toLowerCase() : ''
  switch (first) {
    case '':
      return { view: 'overview' }
    case 'rollouts':
      if (isInfoHash) return { view: third === 'hosts' ? 'hosts' : 'rollout', infoHash }
      break
    case 'torrents':
      if (second === undefined) return { view: 'torrents' }
      if (isInfoHash) return { view: 'torrent', infoHash }
      break
    case 'hosts':
      return { view: 'host', ip: new URLSearchParams(query).get('ip') ?? '' }
    case 'topology':
    case 'nodes':
      return { view: first }
  }
  return { view: 'unknown', path }
}

export const links = {
  overview: '#/',
  torrents: '#/torrents',
  topology: '#/topology',
  nodes: '#/nodes',
  hosts: '#/hosts',
  rollout: (infoHash: string) => `#/rollouts/${infoHash}`,
  rolloutHosts: (infoHash: string) => `#/rollouts/${infoHash}/hosts`,
  torrent: (infoHash: string) => `#/torrents/${infoHash}`,
  host: (ip: string) => `#/hosts?${new URLSearchParams({ ip }).toString()}`,
} as const
