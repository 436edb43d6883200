/**
 * The tracker as a worker has it: a connection to the owner of the swarm table, which answers each request.
 *
 * While there is no connection, because the owner starts or has exited, requests are rejected at once, so that clients
 * use another node. The worker connects again until it is stopped.
 */
import { createConnection, type Socket } from 'node:net'
import type { Address } from '../../core/address.ts'
import type {
  AnnounceReply,
  AnnounceRequest,
  Arrival,
  ScrapeCounts,
  TrackerService,
} from '../../core/announce.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { Refusal } from '../../core/errors.ts'
import type { SecretStore } from '../../replication/site-store.ts'
import {
  kinds,
  readCounts,
  readRefusal,
  readReply,
  readSharedState,
  type SharedState,
  writeAnnounceOrder,
  writeScrapeOrder,
} from './announce-frames.ts'
import { FrameReader, FrameWriter } from './frames.ts'

/** More than the deferred announces of a node and the requests of some hundred milliseconds. */
const PENDING_MAX = 16_384
const RECONNECT_MS = 100
/** What the owner has not answered after this time is deferred. */
const CLOSE_MS = 200

interface Pending {
  readonly resolve: (value: never) => void
  readonly reject: (reason: Refusal) => void
}

export class RemoteTracker implements TrackerService, SecretStore {
  readonly #path: string
  readonly #pending = new Map<number, Pending>()
  /** Of the site: the clock of the machine, corrected as the owner corrects it. */
  readonly clock: Clock = { nowMs: () => systemClock.nowMs() + (this.#shared?.clockOffsetMs ?? 0) }
  #shared: SharedState | undefined
  #socket: Socket | undefined
  /** undefined while the owner is not connected or has not sent its state. */
  #frames: FrameWriter | undefined
  #onConnect: (() => void) | undefined
  #reconnect: NodeJS.Timeout | undefined
  #ids = 0
  #isClosed = false

  /** `path`: of the owner's socket. */
  constructor(path: string) {
    this.#path = path
  }

  get isConnected(): boolean {
    return this.#frames !== undefined
  }

  /** Resolves once the owner answers announces; never if `close` comes first. */
  async connect(): Promise<void> {
    const connected = new Promise<void>((resolve) => (this.#onConnect = resolve))
    this.#open()
    await connected
  }

  /** Rejects announces that the owner defers, as a node that stops does, and disconnects. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#reconnect)
    if (this.#pending.size > 0) await new Promise((resolve) => setTimeout(resolve, CLOSE_MS))
    this.#rejectPending(new Refusal('TRK_TOO_EARLY'))
    this.#socket?.destroy()
  }

  announce(
    request: AnnounceRequest,
    from: Address,
    protocol: 'http' | 'udp',
    arrival?: Arrival,
  ): Promise<AnnounceReply> {
    return this.#request((frames, id) => writeAnnounceOrder(frames, id, { request, from, protocol, arrival }))
  }

  scrape(infoHashes: readonly Buffer[], from: Address): Promise<ScrapeCounts[]> {
    return this.#request((frames, id) => writeScrapeOrder(frames, id, infoHashes, from))
  }

  /** The secrets of UDP connection ids. */
  current(): readonly Buffer[] {
    return this.#shared?.secrets ?? []
  }

  #request<Result>(write: (frames: FrameWriter, id: number) => void): Promise<Result> {
    const frames = this.#frames
    if (frames === undefined) throw ownerMissing()
    if (this.#pending.size >= PENDING_MAX) throw new Refusal('TRK_OVERLOADED')
    this.#ids = (this.#ids + 1) >>> 0
    const id = this.#ids
    write(frames, id)
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
  }

  #open(): void {
    const socket = createConnection({ path: this.#path })
    const reader = new FrameReader((kind, id, payload) => this.#receive(socket, kind, id, payload))
    socket.on('data', (chunk) => reader.receive(chunk))
    // `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => this.#lose())
    this.#socket = socket
  }

  #receive(socket: Socket, kind: number, id: number, payload: Buffer): void {
    if (kind === kinds.shared) return this.#share(socket, readSharedState(payload))
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    if (kind === kinds.refusal) pending.reject(readRefusal(payload))
    else pending.resolve((kind === kinds.reply ? readReply(payload) : readCounts(payload)) as never)
  }

  /** The first state of a connection: the owner answers from now on. */
  #share(socket: Socket, state: SharedState): void {
    this.#shared = state
    if (this.#frames !== undefined) return
    this.#frames = new FrameWriter((bytes) => void socket.write(bytes))
    this.#onConnect?.()
  }

  #lose(): void {
    this.#frames = undefined
    this.#rejectPending(ownerMissing())
    if (!this.#isClosed) this.#reconnect = setTimeout(() => this.#open(), RECONNECT_MS)
  }

  #rejectPending(refusal: Refusal): void {
    for (const { reject } of this.#pending.values()) reject(refusal)
    this.#pending.clear()
  }
}

/** Clients use another node meanwhile. */
const ownerMissing = () => new Refusal('TRK_DRAINING', 'its swarm table is being loaded')
