/** Nodes: the health of the node that serves the page, drain, and links to the dashboards of the others. */
import { useState } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import { useLive } from '../api/live.ts'
import type { NodeInformation, SiteList, TopologyAnswer } from '../api/responses.ts'
import { Action } from '../elements/action.tsx'
import { Badge } from '../elements/badge.tsx'
import { curl, siteswarm } from '../elements/commands.ts'
import { SameAsCommand } from '../elements/command.tsx'
import { Figures } from '../elements/figures.tsx'
import { Failure, Loading } from '../elements/notices.tsx'
import { formatDuration, formatTime } from '../elements/quantities.ts'
import { byText } from '../elements/sort-rows.ts'
import { type Column, VirtualTable } from '../elements/virtual-table.tsx'
import { nowMs } from '../frame/now.ts'

const PERIOD_MS = 2_000
const TOPOLOGY_PERIOD_MS = 15_000

export function NodesView() {
  const node = useLive<NodeInformation>('/api/v1/node', { periodMs: PERIOD_MS, events: ['node'] })
  const { value, failure } = node
  return (
    <>
      <h1>Nodes</h1>
      <section aria-labelledby="this">
        <h2 id="this">This node {value === undefined ? null : <Badge word={stateOf(value)} />}</h2>
        <Failure failure={failure} />
        {value === undefined && failure === undefined ? <Loading of="its checks" /> : null}
        {value === undefined ? null : <ThisNode node={value} onChange={node.refresh} />}
      </section>
      <OtherNodes />
    </>
  )
}

function stateOf({ isReady, drain }: NodeInformation): string {
  if (drain !== null) return 'draining'
  return isReady ? 'ready' : 'not ready'
}

function ThisNode({ node, onChange }: { readonly node: NodeInformation; readonly onChange: () => void }) {
  const { checks, drain, configuration } = node
  return (
    <>
      {drain === null ? null : (
        <p class="warning">
          Drained since {formatTime(drain.since)}
          {drain.reason === null ? ', without a reason.' : `: ${drain.reason}`}
        </p>
      )}
      <ul class="checks card">
        {checks.map(({ check, isOk, isRequired, sentence, worker }) => (
          <li key={`${check} ${worker ?? ''}`}>
            <Badge word={check} tone={isOk ? 'good' : isRequired ? 'bad' : 'warn'} />
            <span>
              {sentence}
              {worker === null ? '' : ` (worker ${worker})`}
            </span>
          </li>
        ))}
      </ul>
      <SameAsCommand text={curl('GET', '/readyz?verbose')} />
      <Figures
        figures={[
          { name: 'Version', value: node.version },
          { name: 'Uptime', value: formatDuration((nowMs.value - Date.parse(node.startedAt)) / 1000) },
          { name: 'Site', value: node.site },
          { name: 'Topology', value: node.topologyHash },
        ]}
      />
      <Drain isDraining={drain !== null} onDone={onChange} />
      <details>
        <summary>Configuration, without secrets</summary>
        <pre tabIndex={0}>{JSON.stringify(configuration, null, 2)}</pre>
      </details>
    </>
  )
}

function Drain({ isDraining, onDone }: { readonly isDraining: boolean; readonly onDone: () => void }) {
  const [reason, setReason] = useState('')
  const path = `/api/v1/drain${reason.trim() === '' ? '' : `?${new URLSearchParams({ reason: reason.trim() }).toString()}`}`
  if (isDraining)
    return (
      <div class="actions">
        <Action
          title="End drain"
          consequence={<p>The node becomes ready again, and load balancers send clients to it.</p>}
          command={siteswarm('drain', '--undo')}
          run={async () => {
            await requestText('/api/v1/drain', { method: 'DELETE' })
            onDone()
            return 'The node is ready again'
          }}
        />
      </div>
    )
  return (
    <div class="actions">
      <Action
        title="Drain"
        isDangerous
        consequence={
          <p>
            The node is not ready from now on: load balancers and clients move to the other nodes of the site.
            It still answers announces, and does not stop.
          </p>
        }
        command={siteswarm('drain', ...(reason.trim() === '' ? [] : ['--reason', reason.trim()]))}
        run={async () => {
          await requestText(path, { method: 'POST' })
          onDone()
          return 'The node drains'
        }}
      >
        <label class="field">
          Reason, for the other operators
          <input
            type="text"
            value={reason}
            maxLength={200}
            placeholder="kernel update"
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
      </Action>
    </div>
  )
}

interface OtherNode {
  readonly site: string
  readonly url: string
  readonly state: string
  readonly detail: string
}

function OtherNodes() {
  const topology = useLive<TopologyAnswer>('/api/v1/topology', { periodMs: TOPOLOGY_PERIOD_MS })
  const sites = useLive<SiteList>('/api/v1/sites', {
    periodMs: PERIOD_MS,
    events: ['site'],
  })
  const nodes = (topology.value?.sites ?? []).flatMap(({ site, federation }) => {
    const status = sites.value?.sites.find((each) => each.site === site)
    const detail = status?.isOwn === true ? 'shares the store of this site' : (status?.reason ?? '')
    return federation.map((url): OtherNode => {
      const state = status?.isOwn === true ? 'this site' : (status?.state ?? '–')
      return { site, url, state, detail }
    })
  })
  return (
    <section aria-labelledby="others">
      <h2 id="others">All sites</h2>
      <Failure failure={topology.failure ?? sites.failure} />
      {nodes.length === 0 && topology.value !== undefined ? (
        <p class="note">
          The topology lists no admin listeners. Add them under <code>federation</code> of each site, so that
          the sites are connected and appear here.
        </p>
      ) : (
        <VirtualTable
          label="Nodes of all sites"
          rows={nodes}
          columns={COLUMNS}
          keyOf={({ site, url }) => `${site} ${url}`}
        />
      )}
    </section>
  )
}

const COLUMNS: readonly Column<OtherNode>[] = [
  { title: 'Site', width: '5rem', cell: ({ site }) => site, sortKey: byText(({ site }) => site) },
  {
    title: 'Dashboard',
    cell: ({ url }) => (
      <a href={url} rel="noreferrer">
        {url}
      </a>
    ),
    sortKey: byText(({ url }) => url),
  },
  {
    title: 'State of the site',
    isSymbol: true,
    width: '10rem',
    cell: ({ state }) => <Badge word={state} tone={TONES[state] ?? 'quiet'} />,
    sortKey: byText(({ state }) => state),
  },
  {
    title: 'Detail',
    width: '34%',
    from: 'tablet',
    isWrapped: true,
    cell: ({ detail }) => <span title={detail}>{detail}</span>,
  },
]

const TONES = { 'this site': 'good', here: 'quiet', up: 'good', stale: 'warn', down: 'bad' } as Readonly<
  Record<string, 'good' | 'quiet' | 'warn' | 'bad'>
>
