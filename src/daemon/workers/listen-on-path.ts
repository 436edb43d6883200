/** Listens on a socket file of this process alone; a file that an earlier process left is replaced. */
import { rm } from 'node:fs/promises'
import type { Server } from 'node:net'

export async function listenOnPath(server: Server, path: string): Promise<void> {
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // Not exclusive, the first process of the node would listen on it for all workers.
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
