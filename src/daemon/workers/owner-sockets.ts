/** Sockets through which the owner of the swarm table serves the workers of its node: announces, and downloads. */
import { join } from 'node:path'
import type { RefusalCode } from '../../core/errors.ts'
import type { Counters } from '../../observe/counters.ts'
import type { Downloads } from '../http-listener.ts'
import { DownloadSocket } from './forwarded-downloads.ts'
import { TrackerSocket, type TrackerSocketInit } from './tracker-socket.ts'
import type { WorkerGroup } from './worker-group.ts'

/** The workers of the node, as the owner sees them. */
export interface OwnerOptions {
  readonly group: WorkerGroup
  /** Directory of the socket files, which only this user can open. */
  readonly socketDirectory: string
}

export const socketPaths = (directory: string) => ({
  announces: join(directory, 'announces'),
  downloads: join(directory, 'downloads'),
})

interface ServedParts extends TrackerSocketInit {
  readonly downloads: Downloads
  readonly counters: Counters
}

export class OwnerSockets {
  readonly #paths: ReturnType<typeof socketPaths>
  readonly #announces: TrackerSocket
  readonly #downloads: DownloadSocket

  constructor({ socketDirectory }: OwnerOptions, { downloads, counters, ...served }: ServedParts) {
    this.#paths = socketPaths(socketDirectory)
    this.#announces = new TrackerSocket(served)
    const onRefusal = (code: RefusalCode) => counters.refusal(code)
    this.#downloads = new DownloadSocket({ ...downloads, onRefusal, log: served.log })
  }

  /** The workers accept clients from now on. */
  async start(): Promise<void> {
    await this.#downloads.start(this.#paths.downloads)
    await this.#announces.start(this.#paths.announces)
  }

  stop(): void {
    this.#announces.stop()
    this.#downloads.stop()
  }
}
