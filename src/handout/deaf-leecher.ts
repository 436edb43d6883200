/**
 * Leechers that hear nothing from their neighbours. rtorrent 0.9.8 sends HAVE only along with other messages, so
 * somebody it met while it was empty never asks it for anything; and when it finishes it hangs up on everybody. Two
 * rtorrent leechers are of no use to each other (observed: of 23 that knew three others each, two were done after
 * 140 s). What it can use is a peer that is complete when they meet, or one of another kind, which tells what it gets.
 *
 * So where all others are like it, it waits for the first complete peer of its site, and its site fills in
 * generations: two at a time from each source, and those who are done serve the next.
 */
import { flags } from '../swarm/peer-rows.ts'
import type { Situation } from './decision.ts'
import { take } from './pick.ts'

/** Whether no leecher of the site would tell the asker what it gets. */
export function hearsFromNobody({ table, site, asker, nowMs }: Situation): boolean {
  if (!asker.isDeaf) return false
  const { rows } = table
  const tells = (row: number) =>
    row !== asker.row && !rows.has(row, flags.slowToForward) && !rows.isExpired(row, nowMs)
  return take(rows, site.listsOf('needy'), 1, tells).length === 0
}
