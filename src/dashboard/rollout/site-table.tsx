/** The sites of a rollout with their state in a sentence, and their bubbles. */
import type { HostCounts, RolloutBubble, RolloutDetail, RolloutSite } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { Bar } from '../elements/bar.tsx'
import { EmptyState } from '../elements/notices.tsx'
import {
  formatAge,
  formatCopies,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
} from '../elements/quantities.ts'
import { nowMs } from '../frame/now.ts'
import { links } from '../frame/links.ts'
import { isSourceOnly } from './upstreams.ts'

export function SiteTable({ rollout }: { readonly rollout: RolloutDetail }) {
  const { sites, infoHash } = rollout
  if (sites.length === 0)
    return (
      <EmptyState title="Waiting for the first client">
        <p>
          No client of any site has announced this torrent. Start one that has the content, with the URL of
          its site from <a href={links.torrent(infoHash)}>URLs for clients</a>.
        </p>
      </EmptyState>
    )
  return (
    <ul class="sites">
      {sites.map((site) => (
        <SiteRow key={site.site} site={site} />
      ))}
    </ul>
  )
}

export function wordOf({ isComplete, isHeld, state }: RolloutSite): string {
  return isComplete ? 'complete' : isHeld ? 'held' : state
}

/** A site measures its rollouts each second while they move. */
const OLD_MS = 60_000

function SiteRow({ site }: { readonly site: RolloutSite }) {
  const { hosts, bubbles, state, isComplete, measuredAt } = site
  const isSource = isSourceOnly(site)
  const isOld = !isComplete && !isSource && nowMs.value - Date.parse(measuredAt) > OLD_MS
  return (
    <li class="card site-row">
      <div class="who">
        <h3>
          {site.site} <Badge word={wordOf(site)} />
        </h3>
        <p class="sentence">{site.sentence}</p>
        {isOld ? <p class="note">Measured {formatAge(measuredAt, nowMs.value)}.</p> : null}
      </div>
      {isSource ? null : (
        <>
          <Bar
            percent={site.percent}
            label={`Progress of ${site.site}`}
            tone={state === 'stranded' ? 'bad' : site.isHeld ? 'held' : 'normal'}
          />
          <dl class="inline">
            <Entry name="Hosts" value={describeHosts(hosts)} />
            <Entry name="Left" value={isComplete ? 'done' : formatDuration(site.etaSeconds)} />
            <Entry name="Rate" value={formatRate(site.rateBytesPerSecond)} />
            <Entry name="Copies in" value={formatCopies(site.copiesIn)} />
            {hosts.unreachable > 0 ? (
              <Entry name="Unreachable" value={formatCount(hosts.unreachable)} />
            ) : null}
          </dl>
        </>
      )}
      {bubbles.length < 2 ? null : (
        <details>
          <summary>{bubbles.length} bubbles</summary>
          <ul class="bubbles">
            {bubbles.map((bubble) => (
              <BubbleRow key={bubble.bubble} site={site.site} bubble={bubble} />
            ))}
          </ul>
        </details>
      )}
    </li>
  )
}

function BubbleRow({ site, bubble }: { readonly site: string; readonly bubble: RolloutBubble }) {
  const name = bubble.bubble === '-' ? 'outside of the bubbles' : bubble.bubble
  return (
    <li>
      <span>{name}</span>
      <Bar
        percent={bubble.percent}
        label={`Progress of ${site}, ${name}, ${formatPercent(bubble.percent)}`}
      />
      <span class="value">{describeHosts(bubble.hosts)}</span>
    </li>
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

/** `812 of 1,000, 998 seen`. */
function describeHosts({ complete, expected, seen }: HostCounts): string {
  const goal = Math.max(expected ?? 0, seen)
  const rest = goal === seen ? '' : `, ${formatCount(seen)} seen`
  return `${formatCount(complete)} of ${formatCount(goal)}${rest}`
}
