/**
 * `announce`: announces to any tracker as a client does, and shows the response with the clients that would have problems
 * with it.
 */
import { type AnnounceEvent } from '../../core/announce.ts'
import { systemRandom } from '../../core/random.ts'
import { withoutCredentials } from '../../core/url-credentials.ts'
import { trackerUrlProblems } from '../../topology/tracker-url.ts'
import { type HttpAnnounce, writeAnnounce } from '../../wire/http/announce.ts'
import { type AnnounceResponse, readAnnounceResponse } from '../../client/announce-response.ts'
import { requestTracker } from '../../client/http-request.ts'
import { type Command, type CommandContext, type CommandFlags, exitCodes, textFlag } from '../command.ts'
import { escapeControl } from '../escape-control.ts'
import { UsageError } from '../../client/usage-error.ts'
import { readInfoHash, readLocalAddress, readTrackerUrl, withQuery } from '../tracker-arguments.ts'
import { reportTrackerFailure } from '../tracker-failure.ts'
import { announceOverUdp } from '../../client/udp-tracker.ts'

export const announceCommand: Command = {
  examples: [
    'siteswarm announce http://127.0.0.1:6969/announce --info-hash 2bcb3dab253c7e8c9355b33f262efadd63005087',
    'siteswarm announce http://127.0.0.1:6969/announce --info-hash 2bcb3dab253c7e8c9355b33f262efadd63005087 --from 127.1.1.5 --port 6881 --event started',
    'siteswarm announce udp://127.0.0.1:6969/announce --info-hash 2bcb3dab253c7e8c9355b33f262efadd63005087',
    'siteswarm announce https://tracker.example/announce --info-hash 2bcb3dab253c7e8c9355b33f262efadd63005087 --event stopped --json',
  ],
  flags: [
    { flags: '--info-hash <hex>', description: 'the torrent, as 40 hexadecimal digits (required)' },
    { flags: '--left <bytes>', description: 'bytes still missing, 0 for a seed (default: 16384)' },
    {
      flags: '--event <event>',
      description: 'started, completed, stopped or paused (default: none of them)',
    },
    {
      flags: '--port <port>',
      description: 'where peers would reach this client (default: 1, which good trackers do not hand out)',
    },
    { flags: '--num-want <peers>', description: 'peers wanted (default: the choice of the tracker)' },
    { flags: '--downloaded <bytes>', description: 'bytes downloaded since started (default: 0)' },
    { flags: '--uploaded <bytes>', description: 'bytes uploaded since started (default: 0)' },
    {
      flags: '--peer-id <id>',
      description: '20 characters or 40 hexadecimal digits (default: -SW0100- and random characters)',
    },
    {
      flags: '--key <text>',
      description: 'identifies this client after its address changes (default: none)',
    },
    {
      flags: '--ip <address>',
      description: 'claim this address; trackers ignore it unless they trust this machine',
    },
    { flags: '--from <address>', description: 'use this address of this machine, such as 127.1.1.5' },
    { flags: '--no-compact', description: 'request peers as a list of dictionaries' },
  ],
  async run([url = ''], flags, context) {
    try {
      const tracker = readTrackerUrl(url)
      const announce = readAnnounceFlags(flags)
      const from = readLocalAddress(textFlag(flags, 'from'))
      const { read, requested, status, elapsedMs } = await request(tracker, announce, from, context)
      const problems = trackerUrlProblems(url).map(({ what, hint }) => `the URL: ${what}; ${hint}`)
      const shown = { ...read, warnings: [...problems, ...read.warnings] }
      if (flags['json'] === true) {
        context.out(
          JSON.stringify({ url: withoutCredentials(requested), status, elapsedMs, ...shown }, null, 2),
        )
      } else print(shown, context)
      context.err(`answered in ${elapsedMs.toFixed(1)} ms`)
      return read.isUsable ? exitCodes.yes : exitCodes.no
    } catch (error) {
      return reportTrackerFailure('announce', url, error, context)
    }
  },
}

async function request(
  url: URL,
  announce: HttpAnnounce,
  from: string | undefined,
  { version, signal }: CommandContext,
): Promise<{
  readonly read: AnnounceResponse
  readonly requested: string
  /** null: UDP has none. */
  readonly status: number | null
  readonly elapsedMs: number
}> {
  if (url.protocol === 'udp:') {
    if (!announce.isCompact) throw new UsageError('--no-compact: UDP has compact peers only')
    if (announce.claimedAddress !== undefined) throw new UsageError('--ip: trackers do not read it over UDP')
    return { requested: url.href, status: null, ...(await announceOverUdp({ url, from, signal }, announce)) }
  }
  const target = withQuery(url, writeAnnounce(announce))
  const response = await requestTracker({ url: target, from, version, signal })
  const { status, elapsedMs } = response
  return { read: readAnnounceResponse(response), requested: response.url, status, elapsedMs }
}

function print(response: AnnounceResponse, context: CommandContext): void {
  const row = (label: string, value: string | number | null) => {
    if (value !== null) context.out(`${label.padEnd(LABEL_WIDTH)}${escapeControl(String(value))}`)
  }
  row('failure', response.failureReason)
  row('warning', response.warningMessage)
  row('interval', seconds(response.intervalSeconds))
  row('min interval', seconds(response.minIntervalSeconds))
  row('complete', response.complete)
  row('incomplete', response.incomplete)
  row('downloaded', response.downloaded)
  row('tracker id', response.trackerId)
  row('external ip', response.externalIp)
  if (response.failureReason === null) row('peers', response.peers.length)
  for (const peer of response.peers) row('', peer)
  for (const key of response.otherKeys) row('unknown key', key)
  for (const warning of response.warnings) context.out(`warning: ${escapeControl(warning)}`)
}

const LABEL_WIDTH = 14

const seconds = (value: number | null) => (value === null ? null : `${value} s`)

function readAnnounceFlags(flags: CommandFlags): HttpAnnounce {
  const infoHash = textFlag(flags, 'infoHash')
  if (infoHash === undefined) {
    throw new UsageError('--info-hash is missing; siteswarm inspect shows the infohash of a torrent')
  }
  const key = textFlag(flags, 'key')
  return {
    infoHash: readInfoHash(infoHash),
    peerId: readPeerId(textFlag(flags, 'peerId')),
    port: readNumber(flags, 'port', 65_535) ?? UNREACHABLE_PORT,
    uploadedBytes: readNumber(flags, 'uploaded') ?? 0,
    downloadedBytes: readNumber(flags, 'downloaded') ?? 0,
    leftBytes: readNumber(flags, 'left') ?? LEFT_BYTES,
    event: readEvent(textFlag(flags, 'event')),
    peersWanted: readNumber(flags, 'numWant'),
    key: Buffer.from(key ?? ''),
    isCompact: flags['compact'] !== false,
    claimedAddress: textFlag(flags, 'ip'),
  }
}

/** The port of libtorrent when it cannot accept connections. */
const UNREACHABLE_PORT = 1

/** The `left` of libtorrent for a magnet of unknown size: every tracker counts a leecher. */
const LEFT_BYTES = 16_384

const EVENTS: Readonly<Record<string, AnnounceEvent>> = {
  none: 'none',
  started: 'started',
  completed: 'completed',
  stopped: 'stopped',
  paused: 'paused',
}

function readEvent(text: string | undefined): AnnounceEvent {
  const event = EVENTS[text ?? 'none']
  if (event === undefined) {
    throw new UsageError(`--event ${text}: expected one of ${Object.keys(EVENTS).join(', ')}`)
  }
  return event
}

function readNumber(flags: CommandFlags, name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = textFlag(flags, name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > max) {
    const flag = name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)
    throw new UsageError(`--${flag} ${text}: expected a whole number from 0 to ${max}`)
  }
  return number
}

function readPeerId(text: string | undefined): Buffer {
  if (text === undefined) return Buffer.from(`-SW0100-${randomText(12)}`)
  if (/^[0-9a-f]{40}$/i.test(text)) return Buffer.from(text, 'hex')
  const peerId = Buffer.from(text)
  if (peerId.length !== 20) {
    throw new UsageError(`--peer-id ${text}: expected 20 characters or 40 hexadecimal digits`)
  }
  return peerId
}

function randomText(characters: number): string {
  const random = systemRandom()
  return Array.from({ length: characters }, () => random.below(36).toString(36)).join('')
}
