/** `scrape`: requests the counts of some torrents from any tracker, without announcing, as a client does. */
import { withoutCredentials } from '../../core/url-credentials.ts'
import { type Command, type CommandContext, exitCodes, textFlag } from '../command.ts'
import { escapeControl } from '../escape-control.ts'
import type { ScrapeResponse } from '../../client/scrape-response.ts'
import { UsageError } from '../../client/usage-error.ts'
import { readInfoHash, readLocalAddress, readTrackerUrl } from '../tracker-arguments.ts'
import { reportTrackerFailure } from '../tracker-failure.ts'
import { scrapeTracker } from '../scrape-tracker.ts'

export const scrapeCommand: Command = {
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
    { flags: '--from <address>', description: 'use this address of this machine, such as 127.1.1.5' },
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
      const { version, signal } = context
      const scraped = await scrapeTracker({ url: tracker, infoHashes, from, version, signal })
      const { read, requested, status, elapsedMs } = scraped
      if (flags['json'] === true) {
        context.out(
          JSON.stringify({ url: withoutCredentials(requested), status, elapsedMs, ...read }, null, 2),
        )
      } else print(read, context)
      context.err(`answered in ${elapsedMs.toFixed(1)} ms`)
      return read.isUsable ? exitCodes.yes : exitCodes.no
    } catch (error) {
      return reportTrackerFailure('scrape', url, error, context)
    }
  },
}

function print(response: ScrapeResponse, context: CommandContext): void {
  if (response.failureReason !== null) context.out(`failure  ${escapeControl(response.failureReason)}`)
  for (const { infoHash, complete, incomplete, downloaded, downloaders } of response.torrents) {
    const counts = { complete, incomplete, downloaders, downloaded }
    const shown = Object.entries(counts).flatMap(([name, count]) =>
      count === null ? [] : [`${name} ${count}`],
    )
    context.out(`${infoHash}  ${shown.join('  ')}`)
  }
  if (response.minIntervalSeconds !== null) context.out(`min interval  ${response.minIntervalSeconds} s`)
  for (const key of response.otherKeys) context.out(`unknown key  ${key}`)
  for (const warning of response.warnings) context.out(`warning: ${escapeControl(warning)}`)
}
