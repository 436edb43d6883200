/**
 * Warnings about the URLs in a torrent or magnet: trackers that some client never announces to, and web seeds that
 * no client fetches from or that contain a secret.
 *
 * The trackers of the topology are checked when it is read. These checks are for untrusted torrents.
 */
import { trackerUrlProblems } from '../topology/tracker-url.ts'
import type { Warning } from './warning.ts'

/** A torrent may name ten thousand; ten are enough to decide that it has to be made again. */
const URLS_WARNED_MAX = 10

export function warnOfTrackers(urls: readonly string[]): Warning[] {
  const warnings: Warning[] = []
  for (const url of new Set(urls)) {
    const problem = trackerUrlProblems(url).find(({ isRefused }) => isRefused)
    if (problem === undefined) continue
    warnings.push({
      code: 'tracker-refused',
      message: `some clients refuse the tracker ${shown(url)}: ${problem.what}; ${problem.hint}`,
    })
    if (warnings.length === URLS_WARNED_MAX) break
  }
  return warnings
}

export function warnOfWebSeeds(urls: readonly string[]): Warning[] {
  if (urls.length === 0) return []
  const warnings: Warning[] = [
    {
      code: 'web-seeds',
      message: 'has web seeds: clients of every site fetch from them, independently of trackers',
    },
  ]
  for (const url of new Set(urls)) {
    if (warnings.length > URLS_WARNED_MAX) break
    if (!isWebSeedUrl(url)) {
      warnings.push({
        code: 'web-seed-refused',
        message: `some clients refuse the web seed ${shown(url)}; write http:// or https://, a host, and no spaces`,
      })
    } else if (url.includes('?')) {
      warnings.push({
        code: 'web-seed-query',
        message:
          `the web seed ${shown(url.replace(/\?.*$/s, '?…'))} has a query: every holder of the torrent can read a ` +
          'signature or token in it, and it expires before the torrent does',
      })
    }
  }
  return warnings
}

/** Clients accept only HTTP; libtorrent also refuses spaces, control characters and a missing host. */
export function isWebSeedUrl(url: string): boolean {
  return /^https?:\/\/[^/?#\s]+/.test(url) && !/[^\x21-\x7e]/.test(url) && URL.canParse(url)
}

function shown(url: string): string {
  return url.length > URL_SHOWN_LENGTH_MAX ? `${url.slice(0, URL_SHOWN_LENGTH_MAX)}…` : url
}

/** Two lines of a terminal. */
const URL_SHOWN_LENGTH_MAX = 160
