/**
 * Replaces the topology of a node whose table may have millions of peers: what takes time is done in slices, between which
 * the event loop continues.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { Topology } from '../topology/topology.ts'
import { placesAfter } from '../tracker/places-after.ts'

/** Peers between two turns of the event loop: one to three milliseconds (bench/pauses.ts). */
export const SLICE_ROWS = 2_000

/** Resolves when each peer is at its place in the new topology, which takes effect before. */
export async function replaceTopology(
  current: CurrentTopology,
  table: SwarmTable,
  after: Topology,
): Promise<void> {
  const { relocation } = table
  if (current.value.sites.some(({ name }) => after.siteNamed(name) === undefined)) {
    const places = placesAfter(after, current.value)
    for (let row: number | undefined = 0; row !== undefined;) {
      row = relocation.dropUnplaced(places, row, SLICE_ROWS)
      await yieldToEventLoop()
    }
  }
  current.replace(after)
  while (relocation.step(SLICE_ROWS)) await yieldToEventLoop()
}
