/** The sites: the own one with its store, the remote ones with the state of the federation. */
import { useLive } from '../api/live.ts'
import type { NodeInformation, SiteStatus, TopologyAnswer } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { formatCount, formatDuration } from '../elements/quantities.ts'

const TOPOLOGY_PERIOD_MS = 15_000
const NODE_PERIOD_MS = 5_000

export function SiteCards({ sites }: { readonly sites: readonly SiteStatus[] }) {
  const topology = useLive<TopologyAnswer>('/api/v1/topology', { periodMs: TOPOLOGY_PERIOD_MS }).value
  const node = useLive<NodeInformation>('/api/v1/node', { periodMs: NODE_PERIOD_MS }).value
  const own = sites.find(({ isOwn }) => isOwn)
  const store = node?.checks.find(({ check }) => check === 'store')
  const nodesOf = (name: string) => {
    const found = topology?.sites.find(({ site }) => site === name)
    return Math.max(found?.federation.length ?? 0, found?.trackers.length ?? 0)
  }
  return (
    <ul class="cards">
      {sites.map((site) => (
        <li key={site.site} class="card site">
          <h3>
            {site.site}{' '}
            <Badge word={site.isOwn ? 'this site' : site.state} tone={toneOf(site, store?.isOk)} />
          </h3>
          <dl>
            <Entry name="Region" value={site.region ?? 'none'} />
            <Entry name="Nodes" value={topology === undefined ? '–' : formatCount(nodesOf(site.site))} />
            <Entry name="Active torrents" value={formatCount(site.torrents)} />
            {site.isOwn && store !== undefined ? <Entry name="Store" value={store.sentence} /> : null}
            {site.isOwn ? null : <Entry name="Federation" value={federationOf(site)} />}
          </dl>
          {site.topologyHash !== null && own !== undefined && site.topologyHash !== own.topologyHash ? (
            <p class="problem">
              Its topology is {site.topologyHash}, that of this site {own.topologyHash}. Copy the same file to
              the nodes of all sites.
            </p>
          ) : null}
        </li>
      ))}
    </ul>
  )
}

function Entry({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function toneOf({ isOwn, state }: SiteStatus, isStoreOk: boolean | undefined) {
  if (isOwn) return isStoreOk === false ? 'warn' : 'good'
  return state === 'down' ? 'bad' : state === 'stale' ? 'warn' : state === 'here' ? 'quiet' : 'good'
}

function federationOf({ state, reason, ageSeconds }: SiteStatus): string {
  switch (state) {
    case 'here':
      return 'none: this node answers for the site'
    case 'up':
      return `last update ${formatDuration(ageSeconds)} ago`
    case 'stale':
    case 'down':
      break
  }
  return reason === null || reason === '' ? state : reason
}
