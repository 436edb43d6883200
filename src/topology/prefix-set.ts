/** A list of prefixes of the configuration, in which one may be written twice. */
import type { Address } from '../core/address.ts'
import { type Prefix, prefixKey } from './prefix.ts'
import { prefixRanges, PrefixTable } from './prefix-table.ts'

/** Whether an address is in one of the prefixes. */
export function isInPrefixes(prefixes: readonly Prefix[]): (address: Address) => boolean {
  if (prefixes.length === 0) return () => false
  const table = new PrefixTable(
    prefixRanges([...new Map(prefixes.map((prefix) => [prefixKey(prefix), prefix])).values()]),
  )
  return (address) => table.find(address) >= 0
}
