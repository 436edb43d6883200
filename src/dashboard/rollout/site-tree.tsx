/** The tree over the sites: each site below the one that it fetches from, or fetched from, with its carrier or gateway. */
import type { RolloutDetail, RolloutSite } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { EmptyState } from '../elements/notices.tsx'
import { formatCopies, formatPercent, formatRate } from '../elements/quantities.ts'
import { links } from '../frame/links.ts'
import { wordOf } from './site-table.tsx'
import { childrenOf, isSourceOnly, upstreamOf } from './upstreams.ts'

export function SiteTree({ rollout }: { readonly rollout: RolloutDetail }) {
  const byUpstream = childrenOf(rollout.sites)
  const roots = byUpstream.get(undefined) ?? []
  if (rollout.sites.length === 0)
    return (
      <EmptyState title="No site has a client yet">
        <p>Start a client that has the content; its site becomes the root of the tree.</p>
      </EmptyState>
    )
  return (
    <ul class="tree" aria-label="Sites, each below its upstream">
      {roots.map((site) => (
        <Branch key={site.site} site={site} byUpstream={byUpstream} />
      ))}
    </ul>
  )
}

function Branch({
  site,
  byUpstream,
}: {
  readonly site: RolloutSite
  readonly byUpstream: ReadonlyMap<string | undefined, readonly RolloutSite[]>
}) {
  const below = byUpstream.get(site.site) ?? []
  return (
    <li>
      <div class="branch">
        <strong>{site.site}</strong> <Badge word={wordOf(site)} />{' '}
        {isSourceOnly(site) ? 'has the content' : formatPercent(site.percent)}
        <Through site={site} />
      </div>
      {below.length === 0 ? null : (
        <ul>
          {below.map((each) => (
            <Branch key={each.site} site={each} byUpstream={byUpstream} />
          ))}
        </ul>
      )}
    </li>
  )
}

function Through({ site }: { readonly site: RolloutSite }) {
  const { carrier, gateway, copiesIn, isComplete } = site
  const from = upstreamOf(site)
  if (isComplete)
    return from === undefined ? null : (
      <small>
        from {from}, {formatCopies(copiesIn)} copies in
      </small>
    )
  const copies = from === undefined ? '' : `, ${formatCopies(copiesIn)} copies in`
  if (carrier !== null)
    return (
      <small>
        {carrier.upstreamSite === null ? 'carrier' : `from ${carrier.upstreamSite} through carrier`}{' '}
        {carrier.node}, {formatRate(carrier.rateBytesPerSecond)}
        {copies}
      </small>
    )
  if (gateway === null) return null
  const { upstream } = gateway
  return (
    <small>
      {upstream === null ? 'gateway' : `from ${upstream.site} (${upstream.address}) through gateway`}{' '}
      <a href={links.host(gateway.address)}>
        {gateway.address}:{gateway.port}
      </a>
      , {formatPercent(gateway.percent)}
      {copies}
    </small>
  )
}
