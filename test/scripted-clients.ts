/**
 * Clients behind scripted sockets, for tests of the observers: a network in which each address is open, closed or silent,
 * and an engine whose time the test advances.
 */
import { Address } from '../src/core/address.ts'
import { ManualClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import type { ClientSocket, Dial, SocketEnd, SocketEvents } from '../src/observers/client-socket.ts'
import type { Observation } from '../src/observers/observation.ts'
import type { ClientUpdate } from '../src/observers/observed-client.ts'
import { Observers } from '../src/observers/observers.ts'
import { writeBitfield } from '../src/wire/peer/availability.ts'
import { writeHandshake } from '../src/wire/peer/handshake.ts'

export const INFO_HASH = Buffer.from('2bcb3dab253c7e8c9355b33f262efadd63005087', 'hex')
export const LIBTORRENT = Buffer.from('-LT2080-abcdefghijkl', 'latin1')
export const TRANSMISSION = Buffer.from('-TR3000-abcdefghijkl', 'latin1')
const TICK_MS = 50
/** The largest chunk that a socket of Node reads. */
const CHUNK_BYTES = 65_536

/** `silent` answers nothing, as behind a firewall that drops. */
type Port = 'open' | 'closed' | 'silent' | 'no-socket'

/** One connection, from the side of the client. */
class ScriptedSocket implements ClientSocket {
  readonly to: string
  readonly #events: SocketEvents
  readonly written: Buffer[] = []
  readonly #incoming: Buffer[] = []
  isOpen = false
  isPaused = false
  isDestroyed = false
  unsentBytes = 0

  constructor(to: string, events: SocketEvents) {
    this.to = to
    this.#events = events
  }

  write(bytes: Buffer): void {
    this.written.push(bytes)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.deliver()
  }

  destroy(): void {
    this.isDestroyed = true
  }

  answer(port: Port): void {
    if (this.isDestroyed || port === 'silent') return
    if (port === 'open') {
      this.isOpen = true
      this.#events.onOpen()
    } else this.end(port === 'closed' ? 'refused' : 'local')
  }

  /** The client sends. What arrives while the node does not read waits. */
  send(...bytes: readonly Buffer[]): void {
    this.#incoming.push(...bytes)
    this.deliver()
  }

  deliver(): void {
    while (!this.isPaused && !this.isDestroyed && this.#incoming.length > 0) {
      const waiting = Buffer.concat(this.#incoming.splice(0))
      if (waiting.length > CHUNK_BYTES) this.#incoming.push(waiting.subarray(CHUNK_BYTES))
      this.#events.onData(waiting.subarray(0, CHUNK_BYTES))
    }
  }

  end(reason: SocketEnd = 'closed'): void {
    if (this.isDestroyed) return
    this.isDestroyed = true
    this.#events.onEnd(reason)
  }

  /** The client completes the handshake and sends its bitfield, if it has one. */
  greet(bits?: readonly number[], peerId = LIBTORRENT): void {
    this.send(writeHandshake(INFO_HASH, peerId))
    if (bits !== undefined) this.send(writeBitfield(Buffer.from(bits)))
  }
}

export class ScriptedNetwork {
  readonly sockets: ScriptedSocket[] = []
  readonly #ports = new Map<string, Port>()
  readonly #unanswered: ScriptedSocket[] = []
  /** What a client does with an accepted connection. */
  onAccept: (socket: ScriptedSocket) => void = () => {}

  readonly dial: Dial = ({ address, port }, events) => {
    const socket = new ScriptedSocket(`${address.toString()}:${port}`, events)
    this.sockets.push(socket)
    this.#unanswered.push(socket)
    return socket
  }

  set(client: Pick<ClientUpdate, 'address' | 'port'>, port: Port): void {
    this.#ports.set(`${client.address.toString()}:${client.port}`, port)
  }

  /** Connections that neither side has closed. */
  get open(): readonly ScriptedSocket[] {
    return this.sockets.filter(({ isOpen, isDestroyed }) => isOpen && !isDestroyed)
  }

  to(client: Pick<ClientUpdate, 'address' | 'port'>): readonly ScriptedSocket[] {
    const name = `${client.address.toString()}:${client.port}`
    return this.sockets.filter(({ to }) => to === name)
  }

  /** The latest connection to the client. */
  latest(client: Pick<ClientUpdate, 'address' | 'port'>): ScriptedSocket {
    const socket = this.to(client).at(-1)
    if (socket === undefined) throw new Error('the client has not been dialled')
    return socket
  }

  /** The connection that the node holds to the client. */
  held(client: Pick<ClientUpdate, 'address' | 'port'>): ScriptedSocket {
    const socket = this.to(client).find(({ isOpen, isDestroyed }) => isOpen && !isDestroyed)
    if (socket === undefined) throw new Error('the node holds no connection to the client')
    return socket
  }

  deliver(): void {
    for (const socket of this.#unanswered.splice(0)) {
      const port = this.#ports.get(socket.to) ?? 'open'
      socket.answer(port)
      if (port === 'open' && !socket.isDestroyed) this.onAccept(socket)
    }
  }
}

/** Leecher number `n`, 10.1.0.n, which announced just now. */
export function aClient(n: number, options: Partial<ClientUpdate> = {}): ClientUpdate {
  return {
    infoHash: INFO_HASH,
    address: Address.v4(0x0a01_0000 + n),
    port: 6_881,
    priority: 'other',
    isAnnouncedComplete: false,
    firstSeenMs: START_MS,
    announcedMs: START_MS,
    pieces: undefined,
    ...options,
  }
}

export const START_MS = 1_700_000_000_000

export function anEngine({ connections = 100 } = {}) {
  const clock = new ManualClock(START_MS)
  const network = new ScriptedNetwork()
  const observations: Observation[] = []
  const observers = new Observers({
    connections,
    clock,
    random: new SeededRandom(7),
    dial: network.dial,
    onObservations: (batch) => observations.push(...batch),
  })
  return {
    clock,
    network,
    observers,
    observations,
    /** Advances time in steps of one tick. The network answers between ticks. */
    run(ms: number): void {
      for (let passed = 0; passed < ms; passed += TICK_MS) {
        clock.advanceMs(TICK_MS)
        observers.tick()
        network.deliver()
      }
    },
    /** The latest observation of the client. */
    of(client: ClientUpdate): Observation {
      const observation = observers.observationOf(client)
      if (observation === undefined) throw new Error('the client is not observed')
      return observation
    },
  }
}
