/**
 * Whose request it is. Everything this tracker decides, it decides by this address.
 *
 * The threat: a forwarding header is text that anybody can send, and an address that is believed wrongly makes
 * thousands of clients connect to a victim. So a header counts only when the TCP peer is a trusted proxy, and the
 * chain is walked from the right, where the entries are that our own proxies wrote; the first that is no proxy is
 * the client. What cannot be read there is refused, never skipped: skipping would move the
 * walk on to entries that the client made up.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { type Address, parseAddress } from '../../core/address.ts'
import { Refusal } from '../../core/errors.ts'
import { quoteForReason } from '../../wire/http/failure.ts'

export type TrustedAddresses = (address: Address) => boolean

/** `socketAddress` as Node reports it: IPv4 on a dual-stack socket is mapped, link-local addresses have a zone. */
export function readClientAddress(
  socketAddress: string,
  headers: IncomingHttpHeaders,
  isTrusted: TrustedAddresses,
): Address {
  const peer = parseAddress(socketAddress)
  if (peer === undefined) throw new Refusal('TRK_ADDRESS_UNUSABLE', quoteForReason(socketAddress))
  return isTrusted(peer) ? readForwardedAddress(peer, headers, isTrusted) : peer
}

/**
 * The address of an announce that says `ip=`. Only a client that is itself in a trusted range may speak for an
 * address, such as a NAT gateway of ours or a host that names its routable address. Anybody else's is passed over,
 * and a proxy's trust does not extend to the clients behind it.
 */
export function readClaimedAddress(
  claimed: string | undefined,
  from: Address,
  isTrusted: TrustedAddresses,
): Address {
  if (claimed === undefined || !isTrusted(from)) return from
  const address = parseAddress(claimed)
  if (address === undefined) {
    throw new Refusal(
      'TRK_PARAMETER_INVALID',
      `ip must be an address and no name: ${quoteForReason(claimed)}`,
    )
  }
  return address
}

/**
 * Proxies write one of three headers and often pass on the other two as the client sent them, so no order of
 * preference is safe. Headers that name different clients are refused.
 */
function readForwardedAddress(
  peer: Address,
  headers: IncomingHttpHeaders,
  isTrusted: TrustedAddresses,
): Address {
  let client: Address | undefined
  let clientHeader = ''
  let proxy: Address | undefined
  for (const [header, readChain] of CHAINS) {
    const value = headers[header]
    if (typeof value !== 'string') continue
    const address = walkChain(header, readChain(value), isTrusted)
    if (isTrusted(address)) {
      // The first of the chain is a proxy too: it speaks for itself, unless another header knows better. nginx
      // behind nginx writes such an X-Real-IP.
      proxy ??= address
    } else if (client !== undefined && !client.equals(address)) {
      throw new Refusal(
        'TRK_FORWARDED_INVALID',
        `${clientHeader} says ${client.toString()}, ${header} says ${address.toString()}`,
      )
    } else {
      client = address
      clientHeader = header
    }
  }
  return client ?? proxy ?? peer
}

/** How each header is cut into entries; undefined is an entry that cannot be read. */
const CHAINS: readonly (readonly [string, (value: string) => (string | undefined)[]])[] = [
  ['x-forwarded-for', (value) => value.split(',')],
  ['forwarded', readForwardedFor],
  ['x-real-ip', (value) => [value]],
]

function walkChain(
  header: string,
  chain: readonly (string | undefined)[],
  isTrusted: TrustedAddresses,
): Address {
  let address: Address | undefined
  for (const entry of chain.toReversed()) {
    address = parseNode(entry?.trim() ?? '')
    if (address === undefined) {
      const shown = entry === undefined ? 'an entry that cannot be read' : quoteForReason(entry.trim())
      throw new Refusal('TRK_FORWARDED_INVALID', `${header} has ${shown}`)
    }
    if (!isTrusted(address)) return address
  }
  if (address === undefined) throw new Refusal('TRK_FORWARDED_INVALID', `${header} is empty`)
  return address
}

/** Reads `10.1.2.3`, `10.1.2.3:80`, `fd00::7`, `[fd00::7]` and `[fd00::7]:80`. */
function parseNode(text: string): Address | undefined {
  if (text.startsWith('[')) {
    const end = text.indexOf(']')
    return end > 0 && isPortSuffix(text.slice(end + 1)) ? parseAddress(text.slice(1, end)) : undefined
  }
  const colon = text.indexOf(':')
  if (colon > 0 && colon === text.lastIndexOf(':')) {
    return isPortSuffix(text.slice(colon)) ? parseAddress(text.slice(0, colon)) : undefined
  }
  return parseAddress(text)
}

/** Nothing, or a colon and 1 to 5 digits. */
function isPortSuffix(text: string): boolean {
  if (text === '') return true
  if (!text.startsWith(':') || text.length < 2 || text.length > 6) return false
  for (let at = 1; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return false
  }
  return true
}

/*
  Forwarded => element *( "," element )        RFC 7239 §4
  element   => pair *( ";" pair )
  pair      => token "=" ( token | quoted-string )     names in any case
*/
function readForwardedFor(value: string): (string | undefined)[] {
  const elements = splitOutsideQuotes(value, ',')
  // One quote that is left open by the client would swallow what the proxy wrote after it.
  if (elements === undefined) return [undefined]
  return elements.map((element) => {
    for (const pair of splitOutsideQuotes(element, ';') ?? []) {
      const equals = pair.indexOf('=')
      if (pair.slice(0, Math.max(equals, 0)).trim().toLowerCase() === 'for') {
        return unquote(pair.slice(equals + 1).trim())
      }
    }
    return undefined
  })
}

/** undefined where a quote is left open. */
function splitOutsideQuotes(text: string, separator: string): string[] | undefined {
  const parts: string[] = []
  let isQuoted = false
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '"') isQuoted = !isQuoted
    else if (isQuoted && character === '\\') at++
    else if (!isQuoted && character === separator) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  parts.push(text.slice(start))
  return isQuoted ? undefined : parts
}

/** Addresses need no escapes, so a backslash is left for the address parser to refuse. */
function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}
