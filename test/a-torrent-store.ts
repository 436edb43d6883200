/** Registered torrents in memory, for tests of the users of a store. */
import { InputError } from '../src/core/errors.ts'
import { infoHashKey } from '../src/core/info-hash.ts'
import type { RegisteredTorrent, TorrentStore } from '../src/replication/site-store.ts'

export interface TestTorrentStore extends TorrentStore {
  /** Number of torrents whose bytes were read. */
  readonly reads: number
  isDown: boolean
}

export function aTorrentStore(nowMs = 1_000): TestTorrentStore {
  const removals = new Map<string, number>()
  const kept: { torrent: RegisteredTorrent; bytes: Buffer }[] = []
  const listeners: (() => void)[] = []
  let reads = 0
  const indexOf = (infoHash: Buffer) =>
    kept.findIndex(({ torrent }) => torrent.infoHashes.some((each) => each.equals(infoHash)))
  const changed = () => {
    for (const listener of listeners) listener()
  }
  const store = {
    isDown: false,
    get reads() {
      return reads
    },
    has: (infoHash: Buffer) => indexOf(infoHash) >= 0,
    find: (infoHash: Buffer) => kept[indexOf(infoHash)]?.torrent,
    list: () => kept.map(({ torrent }) => torrent),
    async read(infoHash: Buffer) {
      reads++
      return kept[indexOf(infoHash)]?.bytes
    },
    async put(torrent: RegisteredTorrent, bytes: Buffer) {
      if (store.isDown) throw new InputError('the store is down; try again later')
      const at = indexOf(torrent.infoHashes[0] as Buffer)
      kept.splice(at < 0 ? kept.length : at, at < 0 ? 0 : 1, { torrent, bytes })
      for (const key of torrent.infoHashes.map(infoHashKey))
        if ((removals.get(key) ?? Infinity) < torrent.registeredAtMs) removals.delete(key)
      changed()
    },
    async remove(infoHash: Buffer, atMs = nowMs) {
      if (store.isDown) throw new InputError('the store is down; try again later')
      const at = indexOf(infoHash)
      for (const hash of kept[at]?.torrent.infoHashes ?? [infoHash]) removals.set(infoHashKey(hash), atMs)
      if (at < 0) return false
      kept.splice(at, 1)
      changed()
      return true
    },
    removals: () => removals,
    onChange: (listener: () => void) => void listeners.push(listener),
  }
  return store
}
