/** Name of the product, links to the views, and the token of the session. */
import { forgetToken, token, tokenProblem } from '../api/token.ts'
import { type Route, links } from './links.ts'

const ENTRIES: readonly {
  readonly title: string
  readonly href: string
  readonly views: readonly Route['view'][]
}[] = [
  { title: 'Overview', href: links.overview, views: ['overview', 'rollout', 'hosts'] },
  { title: 'Torrents', href: links.torrents, views: ['torrents', 'torrent'] },
  { title: 'Hosts', href: links.hosts, views: ['host'] },
  { title: 'Topology', href: links.topology, views: ['topology'] },
  { title: 'Nodes', href: links.nodes, views: ['nodes'] },
]

export function Navigation({ current }: { readonly current: Route }) {
  return (
    <header class="frame">
      <a class="brand" href={links.overview}>
        <Mark />
        siteswarm
      </a>
      <nav aria-label="Views">
        <ul>
          {ENTRIES.map(({ title, href, views }) => (
            <li key={href}>
              <a href={href} aria-current={views.includes(current.view) ? 'page' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {token.value === undefined ? null : (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            forgetToken()
            tokenProblem.value = 'missing'
          }}
        >
          Forget token
        </button>
      )}
    </header>
  )
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" class="mark">
      <rect width="32" height="32" rx="7" />
      <path d="M9 16 22 9M9 16l13 7" />
      <circle cx="9" cy="16" r="4.2" />
      <circle cx="22.5" cy="9" r="3.2" />
      <circle cx="22.5" cy="23" r="3.2" />
    </svg>
  )
}
