/**
 * The queues of the scheduler. A client is in one of them: with a connection in the queue of turns, ordered by the next
 * deadline of the connection; without one in a queue of dials, ordered by the time of the next dial.
 *
 * There are three queues of dials, so that vital clients do not wait behind polls.
 */
import { DueQueue } from './due-queue.ts'
import type { ObservedClient } from './observed-client.ts'

export class ClientQueues {
  readonly #turns = new DueQueue<ObservedClient>()
  readonly #dials: readonly DueQueue<ObservedClient>[] = [new DueQueue(), new DueQueue(), new DueQueue()]

  turnAt(client: ObservedClient, dueMs: number): void {
    this.#put(client, this.#turns, dueMs)
  }

  dialAt(client: ObservedClient, dueMs: number): void {
    this.#put(client, this.#dials[client.dialRank] as DueQueue<ObservedClient>, dueMs)
  }

  takeTurn(nowMs: number): ObservedClient | undefined {
    return taken(this.#turns.takeDue(nowMs))
  }

  takeDial(rank: number, nowMs: number): ObservedClient | undefined {
    return taken(this.#dials[rank]?.takeDue(nowMs))
  }

  remove(client: ObservedClient): void {
    client.queue?.remove(client)
    client.queue = undefined
  }

  #put(client: ObservedClient, queue: DueQueue<ObservedClient>, dueMs: number): void {
    if (client.queue !== queue) this.remove(client)
    client.queue = queue
    queue.put(client, dueMs)
  }
}

function taken(client: ObservedClient | undefined): ObservedClient | undefined {
  if (client !== undefined) client.queue = undefined
  return client
}
