/** Addresses of reverse proxies whose forwarding headers are used. */
import type { NodeConfig } from '../config/load-config.ts'
import type { Address } from '../core/address.ts'
import { prefixKey } from '../topology/prefix.ts'
import { prefixRanges, PrefixTable } from '../topology/prefix-table.ts'

export function trustedBy({ trustedProxies }: NodeConfig): (address: Address) => boolean {
  const byKey = new Map(trustedProxies.map((prefix) => [prefixKey(prefix), prefix]))
  const table = new PrefixTable(prefixRanges([...byKey.values()]))
  return (address) => table.find(address) >= 0
}
