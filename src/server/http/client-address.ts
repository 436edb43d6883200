/**
 * Real address of a client. Every decision of the tracker depends on this address.
 *
 * Threat: any client can send a forwarding header, and an address that is trusted wrongly makes thousands of clients
 * connect to a victim. A header therefore counts only if the TCP peer is a trusted proxy. The chain is read from the
 * right, which is the end that trusted proxies write, and the first address that is not a proxy is the client. An entry
 * that cannot be parsed is rejected and never skipped, because the entries to its left may be forged by the client.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { type Address, parseAddress } from '../../core/address.ts'
import { Refusal } from '../../core/errors.ts'
import { quoteForReason } from '../../wire/http/failure.ts'

export type TrustedAddresses = (address: Address) => boolean

/** Called with an address outside `trustedProxies` and the forwarding header that it sent, which is ignored. */
export type UntrustedForwardingListener = (from: Address, header: string) => void

export interface ClientAddressRules {
  readonly isTrusted: TrustedAddresses
  readonly onUntrustedForwarding?: UntrustedForwardingListener | undefined
}

/**
 * `socketAddress` as Node reports it: IPv4 on a dual-stack socket is mapped, link-local addresses have a zone. `claimed`
 * is the `ip=` of an announce: a trusted host that gives it needs no forwarding header.
 */
export function readClientAddress(
  socketAddress: string,
  headers: IncomingHttpHeaders,
  { isTrusted, onUntrustedForwarding }: ClientAddressRules,
  claimed?: string,
): Address {
  const peer = parseAddress(socketAddress)
  if (peer === undefined) throw new Refusal('TRK_ADDRESS_UNUSABLE', quoteForReason(socketAddress))
  if (!isTrusted(peer)) {
    if (onUntrustedForwarding !== undefined) {
      const header = FORWARDING_HEADERS.find((name) => headers[name] !== undefined)
      if (header !== undefined) onUntrustedForwarding(peer, header)
    }
    return peer
  }
  const forwarded = readForwardedAddress(headers, isTrusted)
  if (forwarded !== undefined) return forwarded
  if (claimed !== undefined) return peer
  throw new Refusal(
    'TRK_FORWARDED_INVALID',
    `${peer.toString()} is in trustedProxies and sends no X-Forwarded-For, Forwarded or X-Real-IP`,
  )
}

/**
 * The address of an announce with `ip=`. Only a client in a trusted range may give another address, such as a NAT gateway
 * of the operator or a host that gives its routable address. For other clients `ip=` is ignored; clients behind a trusted
 * proxy are not trusted.
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
      `ip must be an address, not a name: ${quoteForReason(claimed)}`,
    )
  }
  return address
}

/**
 * Undefined without a forwarding header. Proxies write one of three headers and often forward the other two unchanged from the client, so no order of preference
 * is safe. Headers with different clients are rejected.
 */
function readForwardedAddress(
  headers: IncomingHttpHeaders,
  isTrusted: TrustedAddresses,
): Address | undefined {
  let client: Address | undefined
  let clientHeader = ''
  let proxy: Address | undefined
  for (const [header, readChain] of CHAINS) {
    const value = headers[header]
    if (typeof value !== 'string') continue
    const address = walkChain(header, readChain(value), isTrusted)
    if (isTrusted(address)) {
      // All of the chain are proxies: its first one is the client, unless another header contains one that is not a proxy.
      // nginx behind nginx writes such an X-Real-IP.
      proxy ??= address
    } else if (client !== undefined && !client.equals(address)) {
      throw new Refusal(
        'TRK_FORWARDED_INVALID',
        `${clientHeader} has ${client.toString()}, ${header} has ${address.toString()}`,
      )
    } else {
      client = address
      clientHeader = header
    }
  }
  return client ?? proxy
}

/** The headers, and the function that splits each into entries; undefined is an entry that cannot be parsed. */
const CHAINS: readonly (readonly [string, (value: string) => (string | undefined)[]])[] = [
  ['x-forwarded-for', (value) => value.split(',').filter(isElement)],
  ['forwarded', readForwardedFor],
  ['x-real-ip', readRealAddress],
]

const FORWARDING_HEADERS: readonly string[] = CHAINS.map(([header]) => header)

/** Empty elements of a list are ignored (RFC 9110 §5.6.1). */
function isElement(text: string): boolean {
  return text.trim() !== ''
}

/** One address. Node joins repeated headers with commas; equal ones count once, and different ones are rejected. */
function readRealAddress(value: string): string[] {
  const elements = value.split(',').map((element) => element.trim())
  return elements.every((element) => element === elements[0]) ? elements.slice(0, 1) : [value]
}

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

/** Reads `10.1.2.3`, `10.1.2.3:80`, `fd00::7`, `[fd00::7]`, `[fd00::7]:80` and `::ffff:10.1.2.3:80`. */
function parseNode(text: string): Address | undefined {
  if (text.startsWith('[')) {
    const end = text.indexOf(']')
    return end > 0 && isPortSuffix(text.slice(end + 1)) ? parseAddress(text.slice(1, end)) : undefined
  }
  const colon = text.indexOf(':')
  const lastColon = text.lastIndexOf(':')
  // A colon behind a dotted quad begins a port, also in a mapped address.
  const isPort = colon === lastColon ? colon > 0 : text.includes('.') && lastColon > text.lastIndexOf('.')
  if (isPort) {
    return isPortSuffix(text.slice(lastColon)) ? parseAddress(text.slice(0, lastColon)) : undefined
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
  // A quote that the client leaves open would swallow the entry that the proxy appends.
  if (elements === undefined) return [undefined]
  return elements.filter(isElement).map((element) => {
    for (const pair of splitOutsideQuotes(element, ';') ?? []) {
      const equals = pair.indexOf('=')
      if (pair.slice(0, Math.max(equals, 0)).trim().toLowerCase() === 'for') {
        return unquote(pair.slice(equals + 1).trim())
      }
    }
    return undefined
  })
}

/** undefined if a quote is left open. */
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

/** Addresses need no escapes, so a backslash stays, and the address parser rejects it. */
function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}
