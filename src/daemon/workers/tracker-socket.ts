/**
 * The owner's end of the connections to workers: answers their requests with the tracker of the node, and sends them
 * the state of the site that UDP connection ids need.
 *
 * The socket is a file in a directory that only this user can open, because a request states the address of its client.
 */
import { createServer, type Socket } from 'node:net'
import type { AnnounceReply, ScrapeCounts, TrackerService } from '../../core/announce.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { Refusal } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { SecretStore } from '../../replication/site-store.ts'
import {
  kinds,
  readAnnounceOrder,
  readScrapeOrder,
  writeCounts,
  writeRefusal,
  writeReply,
  writeSharedState,
} from './announce-frames.ts'
import { FrameReader, FrameWriter } from './frames.ts'
import { listenOnPath } from './listen-on-path.ts'

/** Nodes receive a new secret within two seconds, and accept the previous one for minutes. */
const SHARE_INTERVAL_MS = 1_000

export interface TrackerSocketInit {
  readonly tracker: TrackerService
  readonly secrets: SecretStore
  /** Of the site. */
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
}

export class TrackerSocket {
  readonly #init: TrackerSocketInit
  readonly #server = createServer((socket) => this.#accept(socket))
  readonly #workers = new Map<Socket, FrameWriter>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: TrackerSocketInit) {
    this.#init = init
  }

  async start(path: string): Promise<void> {
    await listenOnPath(this.#server, path)
    this.#timer = setInterval(() => {
      for (const frames of this.#workers.values()) this.#share(frames)
    }, SHARE_INTERVAL_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#server.close()
    for (const socket of this.#workers.keys()) socket.destroy()
  }

  #accept(socket: Socket): void {
    const frames = new FrameWriter((bytes) => void socket.write(bytes))
    const reader = new FrameReader((kind, id, payload) => this.#answer(frames, kind, id, payload))
    this.#workers.set(socket, frames)
    socket.on('data', (chunk) => reader.receive(chunk))
    // `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => this.#workers.delete(socket))
    this.#share(frames)
  }

  #share(frames: FrameWriter): void {
    const { secrets, clock } = this.#init
    const clockOffsetMs = clock.nowMs() - systemClock.nowMs()
    writeSharedState(frames, { secrets: secrets.current(), clockOffsetMs })
  }

  #answer(frames: FrameWriter, kind: number, id: number, payload: Buffer): void {
    try {
      if (kind === kinds.announce) this.#announce(frames, id, payload)
      else this.#scrape(frames, id, payload)
    } catch (error) {
      this.#refuse(frames, id, error)
    }
  }

  #announce(frames: FrameWriter, id: number, payload: Buffer): void {
    const { request, from, protocol, arrival } = readAnnounceOrder(payload)
    const reply = this.#init.tracker.announce(request, from, protocol, arrival)
    if (!(reply instanceof Promise)) return writeReply(frames, id, reply)
    reply.then(
      (deferred: AnnounceReply) => writeReply(frames, id, deferred),
      (error: unknown) => this.#refuse(frames, id, error),
    )
  }

  #scrape(frames: FrameWriter, id: number, payload: Buffer): void {
    const { infoHashes, from } = readScrapeOrder(payload)
    const counts = this.#init.tracker.scrape(infoHashes, from)
    if (!(counts instanceof Promise)) return writeCounts(frames, id, counts)
    counts.then(
      (later: ScrapeCounts[]) => writeCounts(frames, id, later),
      (error: unknown) => this.#refuse(frames, id, error),
    )
  }

  /** An error other than a `Refusal` is a bug: the log has it, and the client gets `TRK_INTERNAL`. */
  #refuse(frames: FrameWriter, id: number, error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal('TRK_INTERNAL')
    if (!(error instanceof Refusal))
      this.#init.log.error({ event: 'request-failed', code: refusal.code, err: error }, 'a request failed')
    writeRefusal(frames, id, refusal)
  }
}
