/** The pages of the list of torrents, one after the other. */
import type { Torrent, TorrentPage } from '../api/responses.ts'

export interface TorrentList {
  /** Registered at the node, those that are still loading included. */
  readonly total: number
  readonly torrents: readonly Torrent[]
  readonly isComplete: boolean
}

/**
 * Resolves with all pages. `show` is called with the first page, and then each time the number of torrents has doubled:
 * a list of 100 pages is not filtered and rendered a hundred times.
 */
export async function readPages(
  first: TorrentPage,
  read: (after: string) => Promise<TorrentPage>,
  show: (list: TorrentList) => void,
): Promise<TorrentList> {
  const torrents = [...first.torrents]
  let { total, next } = first
  let shown = 0
  while (next !== null) {
    if (torrents.length >= 2 * shown) {
      shown = torrents.length
      show({ total, torrents: [...torrents], isComplete: false })
    }
    const page = await read(next)
    torrents.push(...page.torrents)
    ;({ total, next } = page)
  }
  return { total, torrents, isComplete: true }
}
