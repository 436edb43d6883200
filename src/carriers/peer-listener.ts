/**
 * Connections of clients that the node cannot dial: `listen.peers`. A connection is closed unless its handshake names a
 * torrent that the node carries, and its address is that of a client of the torrent which has no connection to the node.
 *
 * A client may connect before its announce has reached this process, or while another connection to it ends. libtorrent dials
 * a peer that rejected it after a minute only, therefore such a connection waits for a few seconds.
 *
 * Anything may connect. A connection that waits costs a socket and a bounded number of bytes, the number of such
 * connections is bounded, also for each address, and the first wrong byte ends it. While as many wait as may, a new one closes the
 * oldest one of the source with the most: one host with all addresses of a /64 does not keep others out. A client that tries an encrypted
 * handshake first is closed at once, and continues without encryption.
 */
import type { Address } from '../core/address.ts'
import type { ClientSocket, SocketEvents } from '../observers/client-socket.ts'
import { PEER_MESSAGE_BYTES_MAX } from '../core/limits.ts'
import { sourceOfAddress } from '../core/source.ts'
import { HANDSHAKE_BYTES, isHandshakeStart, readHandshake } from '../wire/peer/handshake.ts'

const HANDSHAKES_MAX = 256
const HANDSHAKES_OF_ADDRESS_MAX = 8
const HANDSHAKE_MS_MAX = 5_000
/** A client sends its bitfield with the handshake, and nothing large before the node has answered. */
const HEAD_BYTES_MAX = HANDSHAKE_BYTES + PEER_MESSAGE_BYTES_MAX + 1_024

export type StreamEvents = Pick<SocketEvents, 'onData' | 'onDrain' | 'onEnd'>

export interface IncomingSocket {
  readonly address: Address
  /** Delivers to these events from now on, and no longer to earlier ones. */
  attach(events: StreamEvents): ClientSocket
}

export interface PeerListenerInit {
  readonly nowMs: () => number
  /** Links the client with this address. Returns false where there is none. */
  readonly link: (
    infoHash: Buffer,
    address: Address,
    connect: (events: SocketEvents) => ClientSocket,
  ) => boolean
}

interface Greeting {
  readonly incoming: IncomingSocket
  readonly key: string
  readonly source: string
  readonly sinceMs: number
  socket: ClientSocket
  head: Buffer
  /** Undefined until the handshake is there. */
  infoHash: Buffer | undefined
}

export class PeerListener {
  readonly #init: PeerListenerInit
  readonly #greetings = new Set<Greeting>()
  readonly #byAddress = new Map<string, number>()
  /** The oldest one first. */
  readonly #bySource = new Map<string, Set<Greeting>>()
  /** Connections that were closed before they became the link of a client. */
  rejected = 0

  constructor(init: PeerListenerInit) {
    this.#init = init
  }

  /** Connections whose handshake is awaited. */
  get greetings(): number {
    return this.#greetings.size
  }

  accept(incoming: IncomingSocket): void {
    const key = incoming.address.toString()
    const ofAddress = this.#byAddress.get(key) ?? 0
    const greeting: Greeting = {
      incoming,
      key,
      source: sourceOfAddress(incoming.address),
      sinceMs: this.#init.nowMs(),
      head: Buffer.alloc(0),
      infoHash: undefined,
      socket: incoming.attach({
        onData: (chunk) => this.#read(greeting, chunk),
        onEnd: () => this.#reject(greeting),
      }),
    }
    const ofSource = this.#bySource.get(greeting.source) ?? new Set()
    this.#greetings.add(greeting)
    this.#byAddress.set(key, ofAddress + 1)
    this.#bySource.set(greeting.source, ofSource.add(greeting))
    if (ofAddress >= HANDSHAKES_OF_ADDRESS_MAX) this.#reject(greeting)
    else if (this.#greetings.size > HANDSHAKES_MAX) this.#reject(this.#oldestOfHeaviest(ofSource) ?? greeting)
  }

  /** Undefined where no source has more than this one. */
  #oldestOfHeaviest(own: ReadonlySet<Greeting>): Greeting | undefined {
    let heaviest = own
    for (const source of this.#bySource.values()) if (source.size > heaviest.size) heaviest = source
    const [oldest] = heaviest
    return heaviest === own ? undefined : oldest
  }

  /** Called a few times a second. */
  tick(): void {
    const nowMs = this.#init.nowMs()
    for (const greeting of this.#greetings) {
      if (greeting.infoHash !== undefined && this.#link(greeting, greeting.infoHash)) continue
      if (nowMs - greeting.sinceMs >= HANDSHAKE_MS_MAX) this.#reject(greeting)
    }
  }

  stop(): void {
    for (const greeting of this.#greetings) this.#reject(greeting)
  }

  #read(greeting: Greeting, chunk: Buffer): void {
    if (!this.#greetings.has(greeting)) return
    greeting.head = Buffer.concat([greeting.head, chunk])
    const { head } = greeting
    if (!isHandshakeStart(head, 0, head.length) || head.length > HEAD_BYTES_MAX) return this.#reject(greeting)
    if (head.length < HANDSHAKE_BYTES) return
    greeting.infoHash ??= readHandshake(head, 0).infoHash
    this.#link(greeting, greeting.infoHash)
  }

  #link(greeting: Greeting, infoHash: Buffer): boolean {
    const { incoming } = greeting
    return this.#init.link(infoHash, incoming.address, (events) => {
      this.#forget(greeting)
      return attachLink(incoming, greeting.head, events)
    })
  }

  #reject(greeting: Greeting): void {
    if (!this.#greetings.has(greeting)) return
    this.#forget(greeting)
    this.rejected++
    greeting.socket.destroy()
  }

  #forget(greeting: Greeting): void {
    this.#greetings.delete(greeting)
    const ofSource = this.#bySource.get(greeting.source)
    ofSource?.delete(greeting)
    if (ofSource?.size === 0) this.#bySource.delete(greeting.source)
    const left = (this.#byAddress.get(greeting.key) ?? 1) - 1
    if (left === 0) this.#byAddress.delete(greeting.key)
    else this.#byAddress.set(greeting.key, left)
  }
}

function attachLink(incoming: IncomingSocket, head: Buffer, events: SocketEvents): ClientSocket {
  let isDestroyed = false
  const socket = incoming.attach(events)
  const destroy = () => {
    isDestroyed = true
    socket.destroy()
  }
  // After the return: the receiver may write to the socket.
  queueMicrotask(() => {
    if (isDestroyed) return
    events.onOpen()
    if (!isDestroyed) events.onData(head)
  })
  return {
    write: (bytes) => socket.write(bytes),
    get unsentBytes() {
      return socket.unsentBytes
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    destroy,
  }
}
