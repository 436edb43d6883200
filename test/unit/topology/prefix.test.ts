import { describe, expect, it } from 'vitest'
import { isPrefixProblem, prefixKey, readPrefix, shorterKey } from '../../../src/topology/prefix.ts'

function keyOf(text: string): string {
  const read = readPrefix(text)
  return isPrefixProblem(read) ? `${read.what} / ${read.hint}` : prefixKey(read)
}

describe('a prefix', () => {
  it.each([
    ['10.1.0.0/16', '10.1.0.0/16'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255/32', '255.255.255.255/32'],
    ['128.0.0.0/1', '128.0.0.0/1'],
    ['::/0', '::/0'],
    ['FD00:0001:0::/48', 'fd00:1::/48'],
    ['fd00:0:0:8000::/49', 'fd00:0:0:8000::/49'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
  ])('%s is accepted', (text, key) => expect(keyOf(text)).toBe(key))

  it.each([
    ['10.1.0.1/16', '10.1.0.0/16'],
    ['10.1.128.0/16', '10.1.0.0/16'],
    ['0.0.0.1/0', '0.0.0.0/0'],
    ['fd00:1::1/48', 'fd00:1::/48'],
    ['fd00:0:0:8000::/48', 'fd00::/48'],
    ['8000::/0', '::/0'],
  ])('%s has host bits set, and the message contains %s', (text, right) =>
    expect(keyOf(text)).toContain(`the prefix is ${right};`),
  )

  it.each(['10.1.0.0/33', 'fd00::/129', '10.0.0.0/08', '10.0.0.0/-1', '10.0.0.0/8.0'])(
    '%s has an invalid length',
    (text) => expect(keyOf(text)).toContain('is not a prefix length'),
  )

  // ip-cidr reads this as 2.2.3.4/32.
  it('in IPv6 cannot have a dotted tail', () =>
    expect(keyOf('1::2.2.3.4/32')).toBe('an IPv6 prefix with a dotted tail / write 1::/32'))

  // ip-cidr reads this as 10.0.0.0/32.
  it('of mapped addresses is the IPv4 prefix', () =>
    expect(keyOf('::ffff:10.0.0.0/104')).toBe('an IPv4-mapped prefix / write the IPv4 prefix: 10.0.0.0/8'))

  it('of mapped addresses in hexadecimal is the IPv4 prefix too', () =>
    expect(keyOf('::ffff:a00:0/104')).toBe('an IPv4-mapped prefix / write the IPv4 prefix: 10.0.0.0/8'))

  it.each([
    '',
    '/',
    '/8',
    'x/8',
    '10.0.0/8',
    '10.0.0.0.0/8',
    '10.0.0.0//8',
    ':::/8',
    'fd00::1::/48',
    '256.0.0.0/8',
  ])('%j is rejected', (text) => expect(isPrefixProblem(readPrefix(text))).toBe(true))

  it('has the keys of the shorter prefixes that contain it', () => {
    const prefix = readPrefix('10.1.2.0/24')
    if (isPrefixProblem(prefix)) throw new Error(prefix.what)
    expect([0, 8, 23, 24].map((lengthBits) => shorterKey(prefix, lengthBits))).toEqual([
      '0.0.0.0/0',
      '10.0.0.0/8',
      '10.1.2.0/23',
      '10.1.2.0/24',
    ])
  })
})
