/** `scrape`: asks any tracker for the counts of some torrents without announcing, as a client does. */
import { writeScrape } from '../../wire/http/scrape.ts'
import { askTracker } from '../../client/http-request.ts'
import { type Command, type CommandContext, exitCodes, textFlag } from '../command.ts'
import { escapeControl } from '../escape-control.ts'
import { type ScrapeAnswer, readScrapeResponse } from '../../client/scrape-response.ts'
import { UsageError } from '../../client/usage-error.ts'
import { readInfoHash, readLocalAddress, readTrackerUrl, withQuery } from '../tracker-arguments.ts'
import { reportTrackerFailure } from '../tracker-failure.ts'
import { scrapeOverUdp } from '../../client/udp-tracker.ts'

export const scrapeCommand: Command = {
  name: 'scrape',
  arguments: '<url>',
  summary:
    'Ask any HTTP or UDP tracker how many peers some torrents have. Takes the announce URL or the scrape URL.',
  examples: [
    'siteswarm scrape http://127.0.0.1:6969/announce --info-hash 2bcb3dab253c7e8c9355b33f262efadd63005087',
    'siteswarm scrape https://tracker.example/scrape --info-hash 2bcb3dab253c7e8c9355b33f262efadd63005087 --info-hash 003117267dd93f301c25e78d2b932029bc37a49b --json',
  ],
  flags: [
    {
      flags: '--info-hash <hex>',
      description: 'a torrent, as 40 hexadecimal digits; may be given several times (required)',
      repeatable: true,
    },
    { flags: '--from <address>', description: 'speak from this address of this machine, such as 127.1.1.5' },
  ],
  async run([url = ''], flags, context) {
    try {
      const tracker = readTrackerUrl(url)
      const given = flags['infoHash']
      const infoHashes = (Array.isArray(given) ? given : []).map(readInfoHash)
      if (infoHashes.length === 0) {
        throw new UsageError('--info-hash is missing; siteswarm inspect shows the infohash of a torrent')
      }
      const from = readLocalAddress(textFlag(flags, 'from'))
      const { read, asked, status, elapsedMs } = await ask(tracker, infoHashes, from, context)
      if (flags['json'] === true) {
        context.out(JSON.stringify({ url: asked, status, elapsedMs, ...read }, null, 2))
      } else print(read, context)
      context.err(`answered in ${elapsedMs.toFixed(1)} ms`)
      return read.isUsable ? exitCodes.yes : exitCodes.no
    } catch (error) {
      return reportTrackerFailure('scrape', url, error, context)
    }
  },
}

async function ask(
  url: URL,
  infoHashes: readonly Buffer[],
  from: string | undefined,
  { version, signal }: CommandContext,
): Promise<{
  readonly read: ScrapeAnswer
  readonly asked: string
  /** null: UDP has none. */
  readonly status: number | null
  readonly elapsedMs: number
}> {
  if (url.protocol === 'udp:') {
    return { asked: url.href, status: null, ...(await scrapeOverUdp({ url, from, signal }, infoHashes)) }
  }
  const target = withQuery(scrapeUrl(url), writeScrape(infoHashes))
  const answer = await askTracker({ url: target, from, version, signal })
  const { status, elapsedMs } = answer
  return { read: readScrapeResponse(answer, infoHashes), asked: answer.url, status, elapsedMs }
}

/** BEP 48: `scrape` takes the place of `announce`. Whatever follows, such as a token of ours, stays. */
function scrapeUrl(url: URL): URL {
  const { pathname } = url
  if (pathname.includes('/scrape')) return url
  const at = pathname.lastIndexOf('/announce')
  if (at < 0) {
    throw new UsageError(`${url.href}: expected /announce or /scrape in its path; clients scrape no other`)
  }
  const derived = new URL(url)
  derived.pathname = `${pathname.slice(0, at)}/scrape${pathname.slice(at + '/announce'.length)}`
  return derived
}

function print(answer: ScrapeAnswer, context: CommandContext): void {
  if (answer.failureReason !== null) context.out(`failure  ${escapeControl(answer.failureReason)}`)
  for (const { infoHash, complete, incomplete, downloaded, downloaders } of answer.torrents) {
    const counts = { complete, incomplete, downloaders, downloaded }
    const shown = Object.entries(counts).flatMap(([name, count]) =>
      count === null ? [] : [`${name} ${count}`],
    )
    context.out(`${infoHash}  ${shown.join('  ')}`)
  }
  if (answer.minIntervalSeconds !== null) context.out(`min interval  ${answer.minIntervalSeconds} s`)
  for (const key of answer.otherKeys) context.out(`unknown key  ${key}`)
  for (const warning of answer.warnings) context.out(`warning: ${escapeControl(warning)}`)
}
