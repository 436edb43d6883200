/**
 * What is wrong with the URLs in a torrent or magnet: trackers that some client never announces to, and web seeds
 * that no client fetches from or that tell everybody a secret.
 *
 * The trackers of our own topology were checked when it was read. These are for what strangers wrote.
 */
import { trackerUrlProblems } from '../topology/tracker-url.ts'
import type { Warning } from './warning.ts'

/** A torrent may name ten thousand; a person reads this many and makes it again. */
const URLS_WARNED_MAX = 10

export function warnOfTrackers(urls: readonly string[]): Warning[] {
  const warnings: Warning[] = []
  for (const url of new Set(urls)) {
    const fault = trackerUrlProblems(url).find(({ isRefused }) => isRefused)
    if (fault === undefined) continue
    warnings.push({
      code: 'tracker-refused',
      message: `the tracker ${shown(url)} is refused by some clients: ${fault.what}; ${fault.hint}`,
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
      message: 'has web seeds: clients of every site fetch from them, whatever any tracker says',
    },
  ]
  for (const url of new Set(urls)) {
    if (warnings.length > URLS_WARNED_MAX) break
    if (!isWebSeedUrl(url)) {
      warnings.push({
        code: 'web-seed-refused',
        message: `the web seed ${shown(url)} is refused by some clients; write http:// or https://, a host, and no spaces`,
      })
    } else if (url.includes('?')) {
      warnings.push({
        code: 'web-seed-query',
        message:
          `the web seed ${shown(url.replace(/\?.*$/s, '?…'))} has a query: a signature or token in it is there for ` +
          'everybody who has the torrent, and expires before the torrent does',
      })
    }
  }
  return warnings
}

/** Clients take HTTP alone; libtorrent also refuses spaces, control characters and a missing host. */
export function isWebSeedUrl(url: string): boolean {
  return /^https?:\/\/[^/?#\s]+/.test(url) && !/[^\x21-\x7e]/.test(url)
}

function shown(url: string): string {
  return url.length > URL_SHOWN_LENGTH_MAX ? `${url.slice(0, URL_SHOWN_LENGTH_MAX)}…` : url
}

/** Two lines of a terminal. */
const URL_SHOWN_LENGTH_MAX = 160
