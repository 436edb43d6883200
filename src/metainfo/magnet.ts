/**
 * Magnet links: infohash and trackers in one line of text (BEP 9, 53).
 *
 * Rewriting replaces the `tr` parameters, and on request `ws`. The rest keeps its text, so that unknown parameters
 * survive. In a magnet every `tr` is a tier of its own, in order.
 */
import { assert } from '../core/assert.ts'
import { InputError } from '../core/errors.ts'
import { assertUsable, type RewriteChanges, type Tiers } from './rewrite.ts'
import { warnOfTrackers, warnOfWebSeeds } from './url-warnings.ts'
import type { Warning } from './warning.ts'

export interface Magnet {
  /** The text between the ampersands, verbatim. */
  readonly parameters: readonly string[]
  /** 20 bytes. */
  readonly infoHashV1: Buffer | undefined
  /** 32 bytes. */
  readonly infoHashV2: Buffer | undefined
  readonly name: string | undefined
  readonly trackers: readonly string[]
  readonly webSeeds: readonly string[]
  readonly warnings: readonly Warning[]
}

export function isMagnet(text: string): boolean {
  return /^\s*magnet:/i.test(text)
}

/** Throws an `InputError` that names the missing or invalid part. */
export function readMagnet(text: string): Magnet {
  const match = /^magnet:\?(.*)$/is.exec(text.trim())
  if (/\p{Cc}/u.test(match?.[1] ?? '')) {
    throw new InputError(
      'the magnet contains a line break or another control character; copy the link again, as one line',
    )
  }
  if (match === null) throw new InputError('a magnet begins with "magnet:?"; copy the whole link')
  const parameters = (match[1] ?? '').split('&')
  const valuesOf = (name: string) =>
    parameters.filter((parameter) => nameOf(parameter) === name).map((parameter) => valueOf(parameter))

  const hashes = readTopics(valuesOf('xt'))
  const trackers = valuesOf('tr')
  // HTML forms encode a space as a plus, and a plus as %2B.
  const name = parameters.find((parameter) => nameOf(parameter) === 'dn')?.replaceAll('+', ' ')
  const webSeeds = valuesOf('ws')
  const warnings: Warning[] = [
    {
      code: 'privacy-unknown',
      message:
        'a magnet does not contain the private flag; without it, clients find peers of other sites through PEX, ' +
        'DHT and LSD. `siteswarm inspect` on the .torrent shows the flag',
    },
  ]
  if (hashes.infoHashV1 === undefined) {
    warnings.push({
      code: 'v2-only',
      message: 'a v2 magnet: only libtorrent 2 and clients built on it download it',
    })
  }
  if (parameters.some((parameter) => /^amp;/i.test(parameter))) {
    warnings.push({
      code: 'html-escaped',
      message:
        'the magnet was copied out of HTML: "&amp;" stands for "&", so its trackers and web seeds are not read here, and ' +
        'clients that unescape it use them; replace each "&amp;" with "&"',
    })
  }
  warnings.push(...warnOfTrackers(trackers), ...warnOfWebSeeds(webSeeds))
  return {
    parameters,
    ...hashes,
    name: name === undefined ? undefined : valueOf(name),
    trackers,
    webSeeds,
    warnings,
  }
}

/** The new trackers take the place of the first old one, or the end; so do web seeds where they are given. */
export function rewriteMagnet(
  magnet: Pick<Magnet, 'parameters'>,
  tiers: Tiers,
  changes: MagnetChanges = {},
): string {
  assertUsable(tiers)
  const { webSeeds } = changes
  const withTrackers = replace(magnet.parameters, 'tr', tiers.flat())
  const parameters = webSeeds === undefined ? withTrackers : replace(withTrackers, 'ws', webSeeds)
  return `magnet:?${parameters.join('&')}`
}

/** The magnet of a torrent: its infohashes, its name, these trackers and these web seeds. */
export function writeMagnet(
  torrent: Pick<Magnet, 'infoHashV1' | 'infoHashV2' | 'name'>,
  tiers: Tiers,
  changes: MagnetChanges = {},
): string {
  const { infoHashV1, infoHashV2, name } = torrent
  assert(infoHashV1 !== undefined || infoHashV2 !== undefined, 'a magnet names a torrent')
  const parameters: string[] = []
  if (infoHashV1 !== undefined) parameters.push(`xt=urn:btih:${infoHashV1.toString('hex')}`)
  if (infoHashV2 !== undefined) parameters.push(`xt=urn:btmh:1220${infoHashV2.toString('hex')}`)
  if (name !== undefined && name !== '') parameters.push(`dn=${encodeURIComponent(name)}`)
  const { webSeeds = [] } = changes
  return rewriteMagnet({ parameters }, tiers, { webSeeds })
}

/** A magnet has no `nodes`. Its `x.pe` are peers and stay. */
type MagnetChanges = Pick<RewriteChanges, 'webSeeds'>

function replace(parameters: readonly string[], name: string, values: readonly string[]): string[] {
  const isOld = (parameter: string) => nameOf(parameter) === name
  const first = parameters.findIndex(isOld)
  const position = first < 0 ? parameters.length : first
  return [
    ...parameters.slice(0, position),
    ...values.map((value) => `${name}=${encodeURIComponent(value)}`),
    ...parameters.slice(position).filter((parameter) => !isOld(parameter)),
  ]
}

/** `tr.1=` and `xt.2=` are numbered forms of `tr=` and `xt=`. */
function nameOf(parameter: string): string {
  return (
    parameter
      .split('=', 1)[0]
      ?.replace(/\.\d+$/, '')
      .toLowerCase() ?? ''
  )
}

/** `+` stays a plus: no client encodes a space in a URL that way, and the token of a tracker may contain one. */
function valueOf(parameter: string): string {
  const equals = parameter.indexOf('=')
  const value = equals < 0 ? '' : parameter.slice(equals + 1)
  try {
    return decodeURIComponent(value)
  } catch {
    // Not percent-encoded UTF-8. The value is only displayed, so it is displayed verbatim.
    return value
  }
}

function readTopics(topics: readonly string[]): Pick<Magnet, 'infoHashV1' | 'infoHashV2'> {
  let infoHashV1: Buffer | undefined
  let infoHashV2: Buffer | undefined
  for (const topic of topics) {
    const [, kind = '', text = ''] = /^urn:(btih|btmh):(.*)$/i.exec(topic) ?? []
    if (kind === '') continue
    if (kind.toLowerCase() === 'btih') {
      const hash = /^[0-9a-f]{40}$/i.test(text) ? Buffer.from(text, 'hex') : readBase32(text)
      if (hash === undefined) refuseTopic(kind, 'a v1 infohash is 40 hexadecimal or 32 base32 digits')
      if (infoHashV1 !== undefined && !infoHashV1.equals(hash)) refuseTopic(kind, TWO_TORRENTS)
      infoHashV1 = hash
    } else {
      if (!/^1220[0-9a-f]{64}$/i.test(text))
        refuseTopic(kind, 'a v2 infohash is 1220 and 64 hexadecimal digits')
      const hash = Buffer.from(text.slice(4), 'hex')
      if (infoHashV2 !== undefined && !infoHashV2.equals(hash)) refuseTopic(kind, TWO_TORRENTS)
      infoHashV2 = hash
    }
  }
  if (infoHashV1 === undefined && infoHashV2 === undefined) {
    throw new InputError(
      'the magnet has no infohash: it needs xt=urn:btih: or xt=urn:btmh:. ' +
        'In a shell, put it in quotes: an unquoted & ends the command',
    )
  }
  return { infoHashV1, infoHashV2 }
}

/** Leaves the text itself out: it is untrusted, and errors go to terminals. */
function refuseTopic(kind: string, why: string): never {
  throw new InputError(`the magnet has an invalid xt=urn:${kind.toLowerCase()}: ${why}; copy the whole link`)
}

const TWO_TORRENTS = 'it names a second torrent'

/** RFC 4648, upper or lower case, exactly 32 digits. */
function readBase32(text: string): Buffer | undefined {
  if (!/^[a-z2-7]{32}$/i.test(text)) return undefined
  const bytes = Buffer.alloc(20)
  let bits = 0
  let bitCount = 0
  let at = 0
  for (const digit of text.toLowerCase()) {
    bits = ((bits << 5) | BASE32_DIGITS.indexOf(digit)) & 0xfff
    bitCount += 5
    if (bitCount < 8) continue
    bitCount -= 8
    bytes[at++] = (bits >>> bitCount) & 0xff
  }
  return bytes
}

const BASE32_DIGITS = 'abcdefghijklmnopqrstuvwxyz234567'
