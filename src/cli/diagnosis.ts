/** Findings of `doctor`: what the answers of a node show, and what to do about it. */
import type { NodeInformation } from '../server/admin/answers/node.ts'
import type { SiteList } from '../server/admin/answers/sites.ts'
import type { SwarmPage } from '../server/admin/answers/swarms.ts'
import type { Contact } from './contact-nodes.ts'

export interface Finding {
  /** `warn`: clients are served, and something is not as intended. */
  readonly level: 'ok' | 'warn' | 'failed'
  readonly subject: string
  readonly sentence: string
  /** undefined if there is nothing to do. */
  readonly remedy?: string
}

/** The parts of the answers that are checked. */
type CheckedSite = Pick<
  SiteList['sites'][number],
  'site' | 'isOwn' | 'state' | 'since' | 'reason' | 'topologyHash'
>
type CheckedSwarm = Pick<SwarmPage['swarms'][number], 'infoHash' | 'sites'>

/** Times of updates between sites are compared with the clock of the receiver, which allows a few seconds. */
const CLOCK_MS_MAX = 5_000
const SHOWN_MAX = 5

export function checkNode(node: NodeInformation, version: string): Finding[] {
  const findings: Finding[] = [
    {
      level: node.isReady ? 'ok' : 'failed',
      subject: 'node',
      sentence: `siteswarm ${node.version} of site ${node.site}, ${node.isReady ? 'ready' : 'not ready'}, running for ${duration(node.uptimeSeconds)}`,
    },
  ]
  if (node.version !== version)
    findings.push({
      level: 'warn',
      subject: 'version',
      sentence: `the node runs ${node.version}, this command is ${version}`,
      remedy: 'install the same version on both',
    })
  return [
    ...findings,
    ...node.checks.map(({ check, isOk, isRequired, sentence }): Finding => ({
      level: isOk ? 'ok' : isRequired ? 'failed' : 'warn',
      subject: check,
      sentence,
    })),
  ]
}

export function checkClock({
  nodeMs,
  hereMs,
}: {
  readonly nodeMs: number
  readonly hereMs: number
}): Finding {
  const differenceMs = Math.abs(nodeMs - hereMs)
  if (differenceMs <= CLOCK_MS_MAX)
    return { level: 'ok', subject: 'clock', sentence: 'the node and this machine have the same time' }
  return {
    level: 'warn',
    subject: 'clock',
    sentence: `the clock of the node is ${Math.round(differenceMs / 1_000)} s ${nodeMs > hereMs ? 'ahead of' : 'behind'} that of this machine`,
    remedy: 'run NTP on both, such as chrony',
  }
}

export function checkSites(sites: readonly CheckedSite[]): Finding[] {
  const own = sites.find(({ isOwn }) => isOwn)
  const remote = sites.filter(({ isOwn, state }) => !isOwn && state !== 'here')
  const down = remote
    .filter(({ state }) => state !== 'up')
    .map(({ site, state, since, reason }): Finding => ({
      level: 'failed',
      subject: 'federation',
      sentence: `site ${site} is ${state} since ${since ?? '?'} (${reason ?? 'unknown'})`,
      remedy: `run siteswarm doctor on a node of ${site}, and siteswarm check --online here`,
    }))
  const other = remote
    .filter(({ topologyHash }) => topologyHash !== null && topologyHash !== own?.topologyHash)
    .map(({ site, topologyHash }): Finding => ({
      level: 'failed',
      subject: 'topology',
      sentence: `site ${site} has the topology ${topologyHash}, this node has ${own?.topologyHash}`,
      remedy: 'compare the files with siteswarm topology diff, and copy one of them to all nodes',
    }))
  const summary: Finding = {
    level: 'ok',
    subject: 'federation',
    sentence:
      remote.length === 0
        ? 'this node answers for all sites'
        : `${remote.length - down.length} of ${remote.length} remote sites are up`,
  }
  return down.length > 0 ? [...down, ...other] : [summary, ...other]
}

export function checkContacts(contacts: readonly Contact[]): Finding[] {
  const failed = contacts
    .filter(({ isOk }) => !isOk)
    .map(({ url, sites, result }): Finding => ({
      level: 'failed',
      subject: 'tracker',
      sentence: `${url} (${sites.join(', ')}): ${result}`,
      remedy: 'start its node, or correct the URL in the topology; clients of the site announce there',
    }))
  if (failed.length > 0) return failed
  return [{ level: 'ok', subject: 'trackers', sentence: `${contacts.length} tracker URLs respond` }]
}

export function checkSwarms(swarms: readonly CheckedSwarm[]): Finding {
  const stranded = swarms.flatMap(({ infoHash, sites }) =>
    Object.entries(sites)
      .filter(([, state]) => state === 'stranded')
      .map(([site]) => `${infoHash} in ${site}`),
  )
  if (stranded.length === 0)
    return { level: 'ok', subject: 'torrents', sentence: `${swarms.length} swarms, none of them is stranded` }
  const shown = stranded.slice(0, SHOWN_MAX).join(', ')
  return {
    level: 'warn',
    subject: 'torrents',
    sentence: `stranded, since no site has a complete copy: ${shown}${stranded.length > SHOWN_MAX ? ` and ${stranded.length - SHOWN_MAX} more` : ''}`,
    remedy: 'start a client that has the content, or register the torrent with an origin',
  }
}

const DURATIONS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const

function duration(seconds: number): string {
  const [unitSeconds, unit] = DURATIONS.find(([size]) => seconds >= size) ?? [1, 's']
  return `${Math.floor(seconds / unitSeconds)} ${unit}`
}
