/** Arguments that `announce` and `scrape` have in common. */
import { UsageError } from '../client/usage-error.ts'
import { parseAddress } from '../core/address.ts'
import { parseInfoHash } from '../core/info-hash.ts'
import { redactUrl } from '../core/url-credentials.ts'

export function readTrackerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  if (url?.protocol === 'udp:' && url.port !== '') return url
  throw new UsageError(
    url?.protocol === 'udp:'
      ? `${redactUrl(text)}: UDP trackers have no default port; write udp://tracker.example:6969/announce`
      : `${redactUrl(text)}: expected a tracker URL such as http://tracker.example:6969/announce or udp://tracker.example:6969/announce`,
  )
}

export function readInfoHash(text: string): Buffer {
  const infoHash = parseInfoHash(text)
  if (infoHash === undefined) {
    throw new UsageError(
      `--info-hash ${text}: expected 40 hexadecimal digits; inspect shows those of a torrent`,
    )
  }
  return infoHash
}

export function readLocalAddress(text: string | undefined): string | undefined {
  if (text !== undefined && parseAddress(text) === undefined) {
    throw new UsageError(`--from ${text}: expected an address of this machine, such as 127.1.1.5`)
  }
  return text
}

/** The URL with a longer query, its bytes unchanged. */
export function withQuery(url: URL, query: string): URL {
  const whole = new URL(url)
  whole.search = url.search === '' ? `?${query}` : `${url.search}&${query}`
  return whole
}
