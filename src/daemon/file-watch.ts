/**
 * Notices that a file changed, whoever changed it and however: editors replace files, and orchestrators swap the
 * link that a file is behind. Looking at it once a second works for all of them, and on every file system.
 */
import { type StatsListener, unwatchFile, watchFile } from 'node:fs'

const LOOK_EVERY_MS = 1_000

/** Returns a function that ends the watch. */
export function watchForChanges(path: string, onChange: () => void): () => void {
  const listener: StatsListener = (now, before) => {
    const isChanged = now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino
    // A file that is gone for a moment is being replaced.
    if (isChanged && now.ino !== 0) onChange()
  }
  watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, listener)
  return () => unwatchFile(path, listener)
}
