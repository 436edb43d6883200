/**
 * Detects that a file changed. Editors replace files, and orchestrators swap the link that leads to a file; polling once
 * a second detects both, on every file system.
 */
import { type StatsListener, unwatchFile, watchFile } from 'node:fs'

const POLL_INTERVAL_MS = 1_000

/** Returns a function that ends the watch. */
export function watchForChanges(path: string, onChange: () => void): () => void {
  const listener: StatsListener = (now, before) => {
    const isChanged = now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino
    // A file that is missing for a moment is being replaced.
    if (isChanged && now.ino !== 0) onChange()
  }
  watchFile(path, { interval: POLL_INTERVAL_MS, persistent: false }, listener)
  return () => unwatchFile(path, listener)
}
