/**
 * Prints a registered torrent as the admin API describes it: its URLs for each site, the warnings of the node, and the
 * commands that a host of a site runs to download it.
 */
import type { TorrentInFull } from '../server/admin/answers/torrents.ts'
import { NO_BUBBLE } from '../topology/topology.ts'
import { escapeControl } from './escape-control.ts'

export const LABEL_WIDTH = 13

/** One line for each site with its URL. */
export function siteLines({ sites }: TorrentInFull): string[] {
  const nameOf = ({ site, bubble }: TorrentInFull['sites'][number]) =>
    bubble === NO_BUBBLE ? site : `${site}/${bubble}`
  const width = Math.max(LABEL_WIDTH, ...sites.map((site) => nameOf(site).length + 2))
  return sites.map((site) => `${nameOf(site).padEnd(width)}${escapeControl(site.torrentUrl)}`)
}

export function warningLine({ code, message }: TorrentInFull['warnings'][number]): string {
  return `warning: ${escapeControl(message)} [${code}]`
}

/** The node serves the content itself, so no host has to have it. */
function isWebSeed({ origin, warnings }: TorrentInFull): boolean {
  return origin !== null && !warnings.some(({ code }) => ORIGIN_WARNINGS.includes(code))
}

/**
 * The next commands, with the URL of the first site as the example. `folder`: holds the content on this machine, where
 * a first seed can be started; undefined for other sources.
 */
export function nextSteps(torrent: TorrentInFull, folder: string | undefined): string[] {
  const [first] = torrent.sites
  if (first === undefined)
    return [
      '',
      'no site has an HTTP tracker in the topology, so there are no URLs; use siteswarm rewrite instead',
    ]
  const aria2 = 'aria2c --follow-torrent=mem --seed-ratio=0'
  const url = quote(first.torrentUrl)
  const download = [
    'on the hosts of each site, with the URL of their site, for example:',
    `  ${aria2} ${url}`,
  ]
  if (isWebSeed(torrent)) return ['', ...download]
  const where =
    folder === undefined ? 'a host that has the content, in the folder that holds it' : 'this machine'
  const directory = folder === undefined ? '' : ` --dir=${quote(folder)}`
  return [
    '',
    `first, a seed on ${where}, with the URL of its site, for example:`,
    `  ${aria2} --check-integrity=true${directory} ${url}`,
    `then, ${download[0]}`,
    ...download.slice(1),
  ]
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

const ORIGIN_WARNINGS: readonly string[] = ['origin-unusable', 'origin-unreadable']
