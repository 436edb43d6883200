/** The topology: a map of the sites, the place of an address, a check of a changed file, and the sites in detail. */
import { useState } from 'preact/hooks'
import { asFailure, requestJson } from '../api/admin-client.ts'
import { useLive } from '../api/live.ts'
import type { LinkList, LocatedAddress, TopologyAnswer, TopologySite } from '../api/responses.ts'
import { Action } from '../elements/action.tsx'
import { SameAsCommand } from '../elements/command.tsx'
import { curl } from '../elements/commands.ts'
import { Failure, Loading } from '../elements/notices.tsx'
import { LinkRate, LinkTable } from './link-table.tsx'
import { SiteMap } from './site-map.tsx'
import { TopologyCheckForm } from './topology-check.tsx'

const PERIOD_MS = 10_000
const LINKS_PERIOD_MS = 3_000

export function TopologyView() {
  const topology = useLive<TopologyAnswer>('/api/v1/topology', { periodMs: PERIOD_MS })
  const links = useLive<LinkList>('/api/v1/links', { periodMs: LINKS_PERIOD_MS })
  const { value, failure } = topology
  if (value === undefined)
    return (
      <>
        <h1>Topology</h1>
        <Failure failure={failure} />
        {failure === undefined ? <Loading of="the topology" /> : null}
      </>
    )
  return (
    <>
      <h1>Topology</h1>
      <p class="hash">{value.topologyHash}</p>
      <Failure failure={failure} />
      <div class="actions">
        <Reload onDone={topology.refresh} />
        <LinkRate links={links.value?.links ?? []} onDone={links.refresh} />
      </div>
      <div class="columns">
        <section aria-labelledby="map">
          <h2 id="map">Map</h2>
          <SiteMap sites={value.sites} links={links.value?.links ?? []} />
        </section>
        <section aria-labelledby="locate">
          <h2 id="locate">Place of an address</h2>
          <Locate />
          <p class="note">
            Addresses outside of all prefixes: {UNMAPPED[value.unmapped] ?? `site ${value.unmapped}`}.
          </p>
          <h2>Check a changed file</h2>
          <TopologyCheckForm />
        </section>
      </div>
      <section aria-labelledby="links">
        <h2 id="links">Links between sites</h2>
        <p class="note">Rate and hours limit what nodes carry between two sites, in each direction.</p>
        <Failure failure={links.failure} />
        {links.value === undefined ? (
          links.failure === undefined ? (
            <Loading of="the links" />
          ) : null
        ) : (
          <LinkTable list={links.value} />
        )}
        <SameAsCommand text={curl('GET', '/api/v1/links')} />
      </section>
      <section aria-labelledby="costs">
        <h2 id="costs">Cost between sites</h2>
        <CostTable sites={value.sites} />
      </section>
      <section aria-labelledby="sites">
        <h2 id="sites">Sites</h2>
        <ul class="cards">
          {value.sites.map((site) => (
            <SiteCard key={site.site} site={site} />
          ))}
        </ul>
      </section>
    </>
  )
}

const UNMAPPED: Readonly<Record<string, string>> = {
  refuse: 'their announces are rejected',
  isolate: 'they exchange data only among themselves',
}

function Reload({ onDone }: { readonly onDone: () => void }) {
  return (
    <Action
      title="Reload"
      consequence={
        <p>
          The node reads its topology file and the registered torrents again. A file with a problem changes
          nothing. The node also notices a changed file by itself.
        </p>
      }
      command={curl('POST', '/api/v1/reload')}
      run={async () => {
        const { sites } = await requestJson<{ readonly sites: number }>('/api/v1/reload', { method: 'POST' })
        onDone()
        return `Reloaded: ${sites} sites`
      }}
    />
  )
}

function Locate() {
  const [ip, setIp] = useState('')
  const [answer, setAnswer] = useState<string | undefined>()
  const locate = async () => {
    try {
      const [place] = await requestJson<readonly LocatedAddress[]>(
        `/api/v1/locate?${new URLSearchParams({ ip: ip.trim() }).toString()}`,
      )
      setAnswer(place === undefined ? 'no answer' : describePlace(place))
    } catch (error) {
      setAnswer(asFailure(error).message)
    }
  }
  return (
    <>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault()
          void locate()
        }}
      >
        <label>
          IPv4 or IPv6 address
          <input
            type="text"
            value={ip}
            autoComplete="off"
            spellcheck={false}
            placeholder="10.1.1.17"
            onInput={(event) => setIp(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Locate</button>
      </form>
      <p role="status">{answer}</p>
      <SameAsCommand
        text={`siteswarm locate ${ip.trim() === '' ? '10.1.1.17' : ip.trim()} --topology topology.yaml`}
      />
    </>
  )
}

function describePlace({ address, site, bubble, prefix }: LocatedAddress): string {
  if (site === null) return `${address} is outside of all prefixes`
  const place = bubble === null || bubble === '-' ? site : `${site}, bubble ${bubble}`
  return `${address}: ${place}${prefix === null ? '' : ` (${prefix})`}`
}

function CostTable({ sites }: { readonly sites: readonly TopologySite[] }) {
  return (
    <div class="table scrolls" tabIndex={0} role="region" aria-label="Table of costs">
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">Between</th>
            {sites.map(({ site }) => (
              <th key={site} scope="col" class="number">
                {site}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sites.map((row) => (
            <tr key={row.site}>
              <th scope="row">{row.site}</th>
              {sites.map(({ site }) => (
                <td key={site} class={row.site === site ? 'number own' : 'number'}>
                  {row.site === site ? '·' : (row.costs[site] ?? '–')}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function SiteCard({ site: { site, region, gateways, bubbles, trackers } }: { readonly site: TopologySite }) {
  const named = bubbles.filter(({ bubble }) => bubble !== '-').map(({ bubble }) => bubble)
  return (
    <li class="card site">
      <h3>{site}</h3>
      <dl>
        <div>
          <dt>Region</dt>
          <dd>{region ?? 'none'}</dd>
        </div>
        <div>
          <dt>Gateways</dt>
          <dd>{gateways}</dd>
        </div>
        <div>
          <dt>Bubbles</dt>
          <dd>{named.length === 0 ? 'none' : named.join(', ')}</dd>
        </div>
        <div>
          <dt>Trackers</dt>
          <dd>
            {trackers.length === 0 ? 'none: its clients use the fallback' : null}
            {trackers.map((url) => (
              <code key={url}>{url}</code>
            ))}
          </dd>
        </div>
      </dl>
    </li>
  )
}
