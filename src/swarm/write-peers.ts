/** The peers of a response in compact form. */
import type { PeerRows } from './peer-rows.ts'

const NONE = Buffer.alloc(0)

/** 6 bytes each for IPv4 (BEP 23), 18 for IPv6 (BEP 7). */
export function writePeers(
  rows: PeerRows,
  peers: readonly { readonly row: number }[],
): { readonly peers4: Buffer; readonly peers6: Buffer } {
  let count6 = 0
  for (const { row } of peers) if (rows.isV6(row)) count6++
  const peers4 = count6 === peers.length ? NONE : Buffer.allocUnsafe((peers.length - count6) * 6)
  const peers6 = count6 === 0 ? NONE : Buffer.allocUnsafe(count6 * 18)
  let end4 = 0
  let end6 = 0
  for (const { row } of peers) {
    if (rows.isV6(row)) end6 = rows.writeCompact(row, peers6, end6)
    else end4 = rows.writeCompact(row, peers4, end4)
  }
  return { peers4, peers6 }
}
