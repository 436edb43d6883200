/** The notations in which addresses arrive, and the prefixes that they denote. Each text is rejected, and the hint has the right one. */
import { describe, expect, it } from 'vitest'
import { isPrefixProblem, readPrefix } from '../../../src/topology/prefix.ts'

function explained(text: string): string {
  const read = readPrefix(text)
  return isPrefixProblem(read) ? `${read.what}: ${read.hint}` : 'accepted'
}

describe('a prefix in another notation', () => {
  it.each([
    // Netmasks of operating systems, and wildcard masks of routers.
    ['10.1.0.0/255.255.0.0', '255.255.0.0 is a netmask, not a prefix length: write 10.1.0.0/16'],
    ['10.1.2.3/255.255.0.0', '255.255.0.0 is a netmask, not a prefix length: write 10.1.0.0/16'],
    ['10.1.0.0 255.255.0.0', '255.255.0.0 is a netmask, not a prefix length: write 10.1.0.0/16'],
    ['10.1.0.0 netmask 255.255.0.0', '255.255.0.0 is a netmask, not a prefix length: write 10.1.0.0/16'],
    ['10.1.2.3/255.255.255.255', '255.255.255.255 is a netmask, not a prefix length: write 10.1.2.3/32'],
    ['0.0.0.0/0.0.0.0', '0.0.0.0 is a netmask, not a prefix length: write 0.0.0.0/0'],
    ['10.1.0.0/0.0.255.255', '0.0.255.255 is a wildcard mask, not a prefix length: write 10.1.0.0/16'],
    ['fd00:1::/ffff:ffff:ffff::', 'ffff:ffff:ffff:: is a netmask, not a prefix length: write fd00:1::/48'],
    [
      '10.1.0.0/255.0.255.0',
      '255.0.255.0 is not a contiguous netmask: a prefix covers one contiguous block; write one prefix for each block',
    ],
    // Ranges of address plans.
    ['10.1.0.0-10.1.255.255', '10.1.0.0-10.1.255.255 is an address range: write 10.1.0.0/16'],
    ['10.1.0.0 – 10.1.255.255', '10.1.0.0 – 10.1.255.255 is an address range: write 10.1.0.0/16'],
    ['10.1.2.0-255', '10.1.2.0-255 is an address range: write 10.1.2.0/24'],
    ['10.1.0.0-10.1.2.255', '10.1.0.0-10.1.2.255 is an address range: write 10.1.0.0/23, 10.1.2.0/24'],
    [
      '10.1.0.1-10.1.0.254',
      '10.1.0.1-10.1.0.254 is an address range: write 10.1.0.1/32, 10.1.0.2/31, 10.1.0.4/30, 10.1.0.8/29 and 10 more',
    ],
    ['0.0.0.0-255.255.255.255', '0.0.0.0-255.255.255.255 is an address range: write 0.0.0.0/0'],
    ['fd00::-fd00::ffff', 'fd00::-fd00::ffff is an address range: write fd00::/112'],
    [
      '10.1.1.0-10.1.0.0',
      '10.1.1.0-10.1.0.0 is an address range: it ends before it starts; correct it and write prefixes',
    ],
    // Wildcards and abbreviations of access lists.
    ['10.1.*.*', '10.1.*.* has a wildcard: write 10.1.0.0/16'],
    ['10.1.*', '10.1.* has a wildcard: write 10.1.0.0/16'],
    ['10.1.x.x', '10.1.x.x has a wildcard: write 10.1.0.0/16'],
    ['*', '* has a wildcard: write 0.0.0.0/0'],
    [
      '10.*.1.0',
      '10.*.1.0 has a wildcard: a prefix covers one contiguous block; write one prefix for each block',
    ],
    ['10.1/16', '10.1/16 is an abbreviation: write all four numbers: 10.1.0.0/16'],
    ['10/8', '10/8 is an abbreviation: write all four numbers: 10.0.0.0/8'],
    ['10.1.', '10.1. is an abbreviation: write all four numbers: 10.1.0.0/16'],
    // Single addresses, and lengths.
    ['10.1.2.3', 'the prefix length is missing: for this single address write 10.1.2.3/32'],
    ['fd00::7', 'the prefix length is missing: for this single address write fd00::7/128'],
    ['10.1.2.3/', 'the prefix length is missing: for this single address write 10.1.2.3/32'],
    ['10.1.0.0/33', '33 is not a prefix length: write 10.1.0.0/0 to 10.1.0.0/32'],
    ['10.1.0.0/016', '016 is not a prefix length: write 10.1.0.0/16'],
    [
      '10.1.2.3/16',
      '10.1.2.3/16 has host bits set: the prefix is 10.1.0.0/16; this single address is 10.1.2.3/32',
    ],
    // IPv4 inside IPv6.
    ['::ffff:10.1.0.0/112', 'an IPv4-mapped prefix: write the IPv4 prefix: 10.1.0.0/16'],
    ['::ffff:10.1.2.3/112', 'an IPv4-mapped prefix: write the IPv4 prefix: 10.1.0.0/16'],
    ['::ffff:10.1.0.0/16', 'an IPv4-mapped prefix: write the IPv4 prefix: 10.1.0.0/16'],
    ['::ffff:10.1.2.3', 'an IPv4-mapped prefix: write the IPv4 prefix: 10.1.2.3/32'],
    ['::ffff:0:0/90', 'an IPv4-mapped prefix: write the IPv4 prefix, 0.0.0.0/0 to 0.0.0.0/32'],
    ['1::10.0.0.1/32', 'an IPv6 prefix with a dotted tail: write 1::/32'],
    // Zones.
    [
      'fe80::1%eth0/64',
      'a prefix with a zone: link-local addresses differ from link to link and cannot be mapped; remove the prefix',
    ],
    ['fd00:1::%eth0/48', 'a prefix with a zone: write fd00:1::/48'],
    // Leading zeros: ambiguous where all digits are octal ones.
    ['010.1.0.0/16', 'a number with a leading zero: write 10.1.0.0/16, or 8.1.0.0/16 if it is octal'],
    ['10.001.0.0/16', 'a number with a leading zero: write 10.1.0.0/16'],
    ['10.1.0.08/32', 'a number with a leading zero: write 10.1.0.8/32'],
    ['010.1.0.0', 'a number with a leading zero: write 10.1.0.0/32, or 8.1.0.0/32 if it is octal'],
    // Typing.
    ['10.1.0.0 / 16', 'a space in a prefix: write 10.1.0.0/16'],
    [' 10.1.0.0/16', 'a space in a prefix: write 10.1.0.0/16'],
    ['[fd00:1::]/48', 'a prefix in brackets: write fd00:1::/48'],
    ['[fd00:1::/48]', 'a prefix in brackets: write fd00:1::/48'],
    [
      '10.1.0.0/16, 10.2.0.0/16',
      '2 prefixes in one text: write each as an item of the list: [10.1.0.0/16, 10.2.0.0/16]',
    ],
    [
      'fra.example/16',
      'a host name instead of a prefix: names are not resolved, because addresses behind them change; write the prefix of the addresses',
    ],
    [
      'Frankfurt',
      'expected an address prefix such as 10.1.0.0/16: write a prefix such as 10.1.0.0/16 or fd00:1::/48',
    ],
  ])('%j is explained', (text, expected) => expect(explained(text)).toBe(expected))

  it('has a hint whose first prefix is accepted', () => {
    for (const text of [
      '10.1.0.0/255.255.0.0',
      '10.1.0.1-10.1.0.254',
      '10.*',
      '010.1.0.0/16',
      'fd00::-fd00::2',
    ]) {
      const read = readPrefix(text)
      const hint = isPrefixProblem(read) ? read.hint : ''
      expect(explained(/[\da-f.:]+\/\d+/.exec(hint)?.[0] ?? '')).toBe('accepted')
    }
  })
})
