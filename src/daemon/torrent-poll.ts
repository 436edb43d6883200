/** Polls the directory of registered torrents, so that a .torrent that is put there is registered within seconds. */

/** Returns a function that ends the polling. `poll` logs problems with files itself; `onError` receives other errors. */
export function pollTorrents(poll: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let isPolling = false
  const timer = setInterval(() => {
    if (isPolling) return
    isPolling = true
    poll()
      .catch(onError)
      .finally(() => (isPolling = false))
  }, POLL_INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

const POLL_INTERVAL_MS = 2_000
