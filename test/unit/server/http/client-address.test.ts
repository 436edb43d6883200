import { describe, expect, it } from 'vitest'
import type { Address } from '../../../../src/core/address.ts'
import { parseAddress } from '../../../../src/core/address.ts'
import { Refusal } from '../../../../src/core/errors.ts'
import { readClaimedAddress, readClientAddress } from '../../../../src/server/http/client-address.ts'

/** 10.0.0.0/24 and fd00::1 are trusted proxies. */
const isTrusted = (address: Address) => /^10\.0\.0\.\d+$|^fd00::1$/.test(address.toString())

const PROXY = '10.0.0.1'
const NO_HEADER = 'is in trustedProxies and sends no X-Forwarded-For, Forwarded or X-Real-IP'

function clientOf(socketAddress: string, headers: Readonly<Record<string, string>> = {}): string {
  return outcomeOf(() => readClientAddress(socketAddress, headers, { isTrusted }))
}

function outcomeOf(read: () => Address): string {
  try {
    return read().toString()
  } catch (error) {
    if (error instanceof Refusal) return `${error.code}: ${error.detail}`
    throw error
  }
}

describe('the client of a direct connection', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('at %s is %s', (socketAddress, client) => {
    expect(clientOf(socketAddress)).toBe(client)
  })

  it('cannot claim another address with a header', () => {
    const headers = {
      'x-forwarded-for': '198.51.100.1',
      forwarded: 'for=198.51.100.2',
      'x-real-ip': '198.51.100.3',
    }
    expect(clientOf('192.0.2.7', headers)).toBe('192.0.2.7')
  })

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip'])('is reported if it sends %s', (header) => {
    const reports: string[] = []
    const onUntrustedForwarding = (from: Address, name: string) =>
      void reports.push(`${from.toString()} ${name}`)
    const rules = { isTrusted, onUntrustedForwarding }
    readClientAddress('192.0.2.7', { [header]: '198.51.100.1' }, rules)
    readClientAddress('192.0.2.8', {}, rules)
    readClientAddress(PROXY, { 'x-real-ip': '198.51.100.1' }, rules)
    expect(reports).toEqual([`192.0.2.7 ${header}`])
  })
})

describe('the client behind a trusted proxy', () => {
  it.each([
    ['the one entry', '192.0.2.7', '192.0.2.7'],
    ['the last that is not a proxy', '192.0.2.7, 10.0.0.3, 10.0.0.2', '192.0.2.7'],
    ['not the first, which the client forged', '198.51.100.1, 192.0.2.7', '192.0.2.7'],
    ['not a malformed entry that the client forged', 'localhost, ,[, 192.0.2.7, 10.0.0.2', '192.0.2.7'],
    ['the first where all are proxies', '10.0.0.9, 10.0.0.2', '10.0.0.9'],
    ['an entry with a port', '192.0.2.7:54321', '192.0.2.7'],
    ['an IPv6 entry', '2001:db8::7', '2001:db8::7'],
    ['an IPv6 entry in brackets', '[2001:db8::7]', '2001:db8::7'],
    ['an IPv6 entry in brackets with a port', '[2001:db8::7]:443', '2001:db8::7'],
    ['a mapped entry', '::ffff:192.0.2.7', '192.0.2.7'],
    ['a mapped entry with a port', '::ffff:192.0.2.7:51234', '192.0.2.7'],
    ['the last that is not empty', '192.0.2.7, ,', '192.0.2.7'],
    ['behind proxies of both families', '192.0.2.7,fd00::1,10.0.0.4:80', '192.0.2.7'],
  ])('is %s of X-Forwarded-For', (_which, header, client) => {
    expect(clientOf(PROXY, { 'x-forwarded-for': header })).toBe(client)
    expect(clientOf('::ffff:10.0.0.1', { 'x-forwarded-for': header })).toBe(client)
  })

  it.each([
    ['for=192.0.2.7', '192.0.2.7'],
    ['For="192.0.2.7:4711"', '192.0.2.7'],
    ['for="[2001:db8::7]:4711";proto=http;by=10.0.0.1', '2001:db8::7'],
    ['for=192.0.2.7, ,', '192.0.2.7'],
    ['proto=https; for = 192.0.2.7', '192.0.2.7'],
    ['for=198.51.100.1, for=192.0.2.7;by="a,b;c", for=10.0.0.2', '192.0.2.7'],
    ['for="x, for=198.51.100.1", for=192.0.2.7', '192.0.2.7'],
  ])('is read from Forwarded: %s', (header, client) => {
    expect(clientOf(PROXY, { forwarded: header })).toBe(client)
  })

  it('is read from X-Real-IP', () => {
    expect(clientOf(PROXY, { 'x-real-ip': '192.0.2.7' })).toBe('192.0.2.7')
  })

  it('is read from an X-Real-IP that is sent twice with the same address', () => {
    expect(clientOf(PROXY, { 'x-real-ip': '192.0.2.7, 192.0.2.7' })).toBe('192.0.2.7')
  })

  it('is the host itself if it sends no header and claims its address with ip=', () => {
    const read = () => readClientAddress(PROXY, {}, { isTrusted }, '192.0.2.7')
    expect(outcomeOf(read)).toBe('10.0.0.1')
  })

  it('is the address on which the headers agree', () => {
    const headers = { 'x-forwarded-for': '192.0.2.7', forwarded: 'for=192.0.2.7', 'x-real-ip': '192.0.2.7' }
    expect(clientOf(PROXY, headers)).toBe('192.0.2.7')
  })

  it('is not the inner proxy that the outer one puts into X-Real-IP', () => {
    expect(clientOf(PROXY, { 'x-forwarded-for': '192.0.2.7, 10.0.0.2', 'x-real-ip': '10.0.0.2' })).toBe(
      '192.0.2.7',
    )
    expect(clientOf(PROXY, { 'x-forwarded-for': '10.0.0.2', 'x-real-ip': '192.0.2.7' })).toBe('192.0.2.7')
  })
})

describe('a request of a trusted proxy is rejected', () => {
  it.each([
    ['a name', { 'x-forwarded-for': '192.0.2.7, client.example' }, 'x-forwarded-for has "client.example"'],
    ['an empty header', { 'x-forwarded-for': '' }, 'x-forwarded-for is empty'],
    ['empty entries alone', { 'x-forwarded-for': ', ,' }, 'x-forwarded-for is empty'],
    ['no header', {}, `${PROXY} ${NO_HEADER}`],
    ['CF-Connecting-IP alone', { 'cf-connecting-ip': '192.0.2.7' }, `${PROXY} ${NO_HEADER}`],
    [
      'a mapped address and an empty port',
      { 'x-real-ip': '::ffff:192.0.2.7:' },
      'x-real-ip has "::ffff:192.0.2.7:"',
    ],
    ['a word before a proxy', { 'x-forwarded-for': 'unknown, 10.0.0.2' }, 'x-forwarded-for has "unknown"'],
    ['an open bracket', { 'x-forwarded-for': '[2001:db8::7' }, 'x-forwarded-for has "[2001:db8::7"'],
    [
      'text behind the bracket',
      { 'x-forwarded-for': '[2001:db8::7]x' },
      'x-forwarded-for has "[2001:db8::7]x"',
    ],
    ['a port in words', { 'x-forwarded-for': '192.0.2.7:http' }, 'x-forwarded-for has "192.0.2.7:http"'],
    ['an empty port', { 'x-forwarded-for': '192.0.2.7:' }, 'x-forwarded-for has "192.0.2.7:"'],
    [
      'a port of six digits',
      { 'x-forwarded-for': '192.0.2.7:123456' },
      'x-forwarded-for has "192.0.2.7:123456"',
    ],
    ['leading zeros', { 'x-forwarded-for': '192.0.2.07' }, 'x-forwarded-for has "192.0.2.07"'],
    ['an unknown client', { forwarded: 'for=unknown' }, 'forwarded has "unknown"'],
    ['a hidden client', { forwarded: 'for="_hidden"' }, 'forwarded has "_hidden"'],
    ['no client', { forwarded: 'proto=http;by=10.0.0.1' }, 'forwarded has an entry that cannot be read'],
    ['an open quote', { forwarded: 'for="192.0.2.7' }, 'forwarded has an entry that cannot be read'],
    [
      'an open quote of the client that swallows the entry of the proxy',
      { forwarded: 'for=198.51.100.1;x=", for="[2001:db8::7]"' },
      'forwarded has an entry that cannot be read',
    ],
    [
      'a list as the real address',
      { 'x-real-ip': '192.0.2.7, 192.0.2.8' },
      'x-real-ip has "192.0.2.7, 192.0.2.8"',
    ],
    [
      'two clients',
      { 'x-forwarded-for': '192.0.2.7', 'x-real-ip': '192.0.2.8' },
      'x-forwarded-for has 192.0.2.7, x-real-ip has 192.0.2.8',
    ],
  ])('with %s', (_case, headers: Readonly<Record<string, string>>, detail) => {
    expect(clientOf(PROXY, headers)).toBe(`TRK_FORWARDED_INVALID: ${detail}`)
  })
})

describe('an address that a client claims', () => {
  const from = (text: string) => parseAddress(text) ?? expect.unreachable()
  const peerOf = (claimed: string | undefined, client: string) =>
    outcomeOf(() => readClaimedAddress(claimed, from(client), isTrusted))

  it('is ignored if the client is not trusted', () => {
    expect(peerOf('198.51.100.1', '192.0.2.7')).toBe('192.0.2.7')
    expect(peerOf('not an address', '192.0.2.7')).toBe('192.0.2.7')
  })

  it('is used if the client is trusted', () => {
    expect(peerOf('198.51.100.1', '10.0.0.1')).toBe('198.51.100.1')
    expect(peerOf('2001:db8::7', '10.0.0.1')).toBe('2001:db8::7')
  })

  it('is that of the connection if none is claimed', () => {
    expect(peerOf(undefined, '10.0.0.1')).toBe('10.0.0.1')
  })

  it.each(['tracker.example', '', '10.0.0', '10.0.0.1:80'])('is rejected as "%s"', (claimed) => {
    expect(peerOf(claimed, '10.0.0.1')).toBe(
      `TRK_PARAMETER_INVALID: ip must be an address, not a name: "${claimed}"`,
    )
  })
})
