/** One rollout: its figures, progress over time, the tree over the sites, each site, stragglers, and the actions. */
import { useLive } from '../api/live.ts'
import type { RolloutDetail } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { Bar } from '../elements/bar.tsx'
import { SameAsCommand } from '../elements/command.tsx'
import { siteswarm } from '../elements/commands.ts'
import { Figures } from '../elements/figures.tsx'
import { EmptyState, Failure, Loading } from '../elements/notices.tsx'
import { formatBytes, formatCount, formatDuration, formatRate, formatTime } from '../elements/quantities.ts'
import { links } from '../frame/links.ts'
import { ExpectedHosts } from './expected-hosts.tsx'
import { HoldActions } from './hold-actions.tsx'
import { useHistory } from './progress-history.ts'
import { ProgressChart } from './progress-chart.tsx'
import { SiteTable } from './site-table.tsx'
import { SiteTree } from './site-tree.tsx'
import { Stragglers } from './stragglers.tsx'

const PERIOD_MS = 2_000

export function RolloutView({ infoHash }: { readonly infoHash: string }) {
  const rollout = useLive<RolloutDetail>(`/api/v1/rollouts/${infoHash}`, {
    periodMs: PERIOD_MS,
    events: ['rollout'],
  })
  const history = useHistory(rollout.value)
  const { value, failure } = rollout
  if (value === undefined)
    return (
      <>
        <h1>Rollout</h1>
        {failure === undefined ? <Loading of="the rollout" /> : null}
        {failure?.status === 404 ? <UnknownRollout infoHash={infoHash} /> : <Failure failure={failure} />}
      </>
    )
  return (
    <>
      <Heading rollout={value} />
      <Failure failure={failure} />
      <RolloutFigures rollout={value} />
      <div class="actions">
        <HoldActions rollout={value} onDone={rollout.refresh} />
        <ExpectedHosts rollout={value} onDone={rollout.refresh} />
        <a class="button" href={links.rolloutHosts(infoHash)}>
          All hosts
        </a>
        <a class="button" href={links.torrent(infoHash)}>
          URLs for clients
        </a>
      </div>
      <SameAsCommand title="Watch it in a terminal" text={siteswarm('status', infoHash, '--watch')} />
      <section aria-labelledby="sites">
        <h2 id="sites">Sites</h2>
        <SiteTable rollout={value} />
      </section>
      <div class="columns">
        <section aria-labelledby="progress">
          <h2 id="progress">Progress over time</h2>
          <ProgressChart history={history} />
        </section>
        <section aria-labelledby="tree">
          <h2 id="tree">Path of the content</h2>
          <SiteTree rollout={value} />
        </section>
      </div>
      <section aria-labelledby="stragglers">
        <h2 id="stragglers">Stragglers</h2>
        <Stragglers rollout={value} />
      </section>
    </>
  )
}

function Heading({ rollout }: { readonly rollout: RolloutDetail }) {
  const { name, state, infoHash, percent, sentence, isRegistered } = rollout
  return (
    <div class="heading">
      <p class="crumbs">
        <a href={links.overview}>Overview</a>
      </p>
      <h1>
        {name} <Badge word={state} />
      </h1>
      <p class="hash">{infoHash}</p>
      <p>{sentence}</p>
      {isRegistered ? null : (
        <p class="warning">The torrent is not registered any more; these are the last figures.</p>
      )}
      <Bar
        percent={percent}
        label={`Progress of ${name}`}
        tone={state === 'stranded' ? 'bad' : state === 'held' ? 'held' : 'normal'}
      />
    </div>
  )
}

function RolloutFigures({ rollout }: { readonly rollout: RolloutDetail }) {
  const { hosts, bytes, state, sizeBytes, origin } = rollout
  const notes = [
    ...(hosts.expected === null
      ? ['no number is expected']
      : [`${formatCount(hosts.expected)} expected, ${formatCount(hosts.seen)} seen`]),
    ...(hosts.sources > 0 ? [`${formatCount(hosts.sources)} had it before`] : []),
    ...(hosts.unreachable > 0 ? [`${formatCount(hosts.unreachable)} unreachable`] : []),
  ]
  return (
    <Figures
      figures={[
        {
          name: 'Hosts complete',
          value: `${formatCount(hosts.complete)} of ${formatCount(Math.max(hosts.expected ?? 0, hosts.seen))}`,
          note: notes.join(', '),
        },
        {
          name: state === 'complete' ? 'Completed' : 'Time left',
          value: state === 'complete' ? formatTime(rollout.completedAt) : formatDuration(rollout.etaSeconds),
          note: rollout.startedAt === null ? 'not started' : `started ${formatTime(rollout.startedAt)}`,
        },
        { name: 'Rate', value: formatRate(rollout.rateBytesPerSecond), note: 'into all hosts' },
        {
          name: 'Downloaded',
          value: formatBytes(bytes.downloaded),
          note: `${formatBytes(sizeBytes)} for each host; ${origin.downloaded}`,
        },
        {
          name: 'Between sites',
          value: formatBytes(bytes.betweenSites),
          note:
            origin.betweenSites === 'counted'
              ? 'counted by carriers'
              : `at most ${formatBytes(bytes.betweenSitesAtMost)}`,
        },
        {
          name: 'Saved between sites',
          value: formatBytes(bytes.saved),
          note: 'compared with every host fetching from the first site',
        },
      ]}
    />
  )
}

function UnknownRollout({ infoHash }: { readonly infoHash: string }) {
  return (
    <EmptyState title="This torrent is not a rollout">
      <p>
        No site has registered <code>{infoHash}</code>. A torrent that was registered and removed keeps its
        rollout until 1,000 later ones have finished.
      </p>
      <p>
        <a href={links.torrents}>Registered torrents</a>
      </p>
    </EmptyState>
  )
}
