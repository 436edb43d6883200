import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../../src/core/address.ts'
import { isPrefixProblem, readPrefix } from '../../../src/topology/prefix.ts'
import { prefixRanges, PrefixTable } from '../../../src/topology/prefix-table.ts'

function aTable(...texts: string[]): (address: string) => string | undefined {
  const prefixes = texts.map((text) => {
    const prefix = readPrefix(text)
    if (isPrefixProblem(prefix)) throw new Error(`${text}: ${prefix.what}`)
    return prefix
  })
  const table = new PrefixTable(prefixRanges(prefixes))
  return (text) => {
    const address = parseAddress(text)
    if (address === undefined) throw new Error(`${text} is not an address`)
    return texts[table.find(address)]
  }
}

describe('the prefix table', () => {
  it('finds nothing when it is empty', () => {
    const find = aTable()
    expect([find('0.0.0.0'), find('255.255.255.255'), find('::'), find('ffff::')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('finds the longest prefix in any file order', () => {
    const find = aTable('10.1.1.0/24', '10.0.0.0/8', '10.1.1.128/25', '10.1.0.0/16')
    expect(find('10.1.1.200')).toBe('10.1.1.128/25')
    expect(find('10.1.1.127')).toBe('10.1.1.0/24')
    expect(find('10.1.2.0')).toBe('10.1.0.0/16')
    expect(find('10.2.0.0')).toBe('10.0.0.0/8')
    expect(find('11.0.0.0')).toBeUndefined()
  })

  it('starts and ends exactly at the prefix', () => {
    const find = aTable('10.1.0.0/16', 'fd00:1::/48')
    expect([find('10.0.255.255'), find('10.1.0.0'), find('10.1.255.255'), find('10.2.0.0')]).toEqual([
      undefined,
      '10.1.0.0/16',
      '10.1.0.0/16',
      undefined,
    ])
    expect([find('fd00:0:ffff:ffff:ffff:ffff:ffff:ffff'), find('fd00:1::'), find('fd00:2::')]).toEqual([
      undefined,
      'fd00:1::/48',
      undefined,
    ])
    expect(find('fd00:1:0:ffff:ffff:ffff:ffff:ffff')).toBe('fd00:1::/48')
  })

  it('covers both ends of the address space', () => {
    const find = aTable(
      '0.0.0.0/1',
      '255.255.255.255/32',
      '::/128',
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128',
    )
    expect(find('0.0.0.0')).toBe('0.0.0.0/1')
    expect(find('255.255.255.255')).toBe('255.255.255.255/32')
    expect(find('255.255.255.254')).toBeUndefined()
    expect(find('::')).toBe('::/128')
    expect(find('::1')).toBeUndefined()
    expect(find('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')).toBe(
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128',
    )
  })

  it('finds the outer prefix after two nested ones that end at the same address', () => {
    const find = aTable('10.0.0.0/8', '10.255.0.0/16', '10.255.255.0/24')
    expect([find('10.255.255.255'), find('11.0.0.0'), find('10.254.255.255')]).toEqual([
      '10.255.255.0/24',
      undefined,
      '10.0.0.0/8',
    ])
  })

  it('separates the families: ::/0 does not contain IPv4 addresses, 0.0.0.0/0 does not contain IPv6 addresses', () => {
    const find = aTable('::/0', '0.0.0.0/0')
    expect(find('10.0.0.1')).toBe('0.0.0.0/0')
    expect(find('::ffff:10.0.0.1')).toBe('0.0.0.0/0')
    expect(find('fd00::1')).toBe('::/0')
  })

  it('compares IPv6 prefixes in each of their four words', () => {
    const find = aTable('fd00::/32', 'fd00:0:1::/64', 'fd00:0:1:0:1::/96', 'fd00:0:1:0:1:0:1::/112')
    expect(find('fd00:0:2::')).toBe('fd00::/32')
    expect(find('fd00:0:1::')).toBe('fd00:0:1::/64')
    expect(find('fd00:0:1:0:1::')).toBe('fd00:0:1:0:1::/96')
    expect(find('fd00:0:1:0:1:0:1:7')).toBe('fd00:0:1:0:1:0:1::/112')
    expect(find('fd00:0:1:0:1:0:2:0')).toBe('fd00:0:1:0:1::/96')
  })

  it('rejects two equal prefixes', () => {
    expect(() => aTable('fd00::/8', 'FD00::/8')).toThrow('two equal prefixes')
  })
})
