/**
 * Upload slots of hosts for the node: the node shows interest in a host only while it wants pieces of it, because a slot
 * is for a peer that uses it.
 */
import type { CarriedClient } from './carried-client.ts'
import type { Holder } from './holder.ts'

/** Hosts that are asked to unchoke the node for one piece at once. */
const HOSTS_MAX = 4
/** Time after which an unused slot is given back. */
const NEEDED_MS = 15_000

/** `holders`: have a piece that is wanted, and choke the node. It becomes interested in some more of them. */
export function askForSlots(
  holders: Iterable<Holder>,
  clientOf: (holder: Holder) => CarriedClient | undefined,
  nowMs: number,
): void {
  let asked = 0
  for (const holder of holders) {
    const client = clientOf(holder)
    if (client?.link === undefined) continue
    client.neededMs = nowMs
    if (client.link.isInterested) continue
    client.link.showInterest(true)
    if (++asked >= HOSTS_MAX) return
  }
}

export function returnUnusedSlots(hosts: Iterable<CarriedClient>, nowMs: number): void {
  for (const { link, neededMs } of hosts) if (nowMs - neededMs >= NEEDED_MS) link?.showInterest(false)
}
