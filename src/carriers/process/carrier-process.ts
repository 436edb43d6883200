/**
 * The carriers of a node, as the node sees them: a child process that it feeds with commands, and restarts.
 *
 * The node keeps what the process needs to begin again: the clients, the torrents and the sites. While the process is
 * gone, `isRunning` is false and its sites are served by gateways. Commands are collected and sent in batches, so that a
 * thousand announces are one message.
 */
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseAddress } from '../../core/address.ts'
import { elapsedMs } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Observation } from '../../observers/observation.ts'
import type {
  CarrierArguments,
  CarrierCommand,
  CarriageMessage,
  CarriedClientAddress,
  CarrierObservation,
  CarrierReading,
  FromCarriers,
  ToCarriers,
} from './messages.ts'

const BATCH_MS = 50
/** Doubles after each exit. A process that ran for this long was healthy. */
const RESTART_MS_MIN = 100
const RESTART_MS_MAX = 10_000
const HEALTHY_AFTER_MS = 30_000
const STOP_MS_MAX = 2_000
const ALIVE_MS = 1_000

export interface CarrierProcessInit {
  readonly arguments: CarrierArguments
  /** The compiled program. */
  readonly program?: string
  readonly log: Log
  readonly onObservations: (batch: readonly Observation[]) => void
  /** `carriageOf` has a new value for these. Also called for all of them when the process ends. */
  readonly onCarriage?: (changed: readonly Pick<CarriageMessage, 'site' | 'infoHash'>[]) => void
  /** The process began or ended. */
  readonly onRunning: (isRunning: boolean) => void
}

export class CarrierProcess {
  readonly #init: CarrierProcessInit
  /** Commands for a process that begins: the last one of each subject. */
  readonly #state = new Map<string, CarrierCommand>()
  readonly #pending = new Map<string, CarrierCommand>()
  #child: ChildProcess | undefined
  #isRunning = false
  #startedMs = 0
  #failures = 0
  #isStopping = false
  #batch: NodeJS.Timeout | undefined
  #restart: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #reading: CarrierReading | undefined
  #peersPort: number | undefined
  #alive: NodeJS.Timeout | undefined
  readonly #carriage = new Map<string, CarriageMessage>()
  /** Of processes that ended: to, from. */
  readonly #relayedBefore = new Map<string, number>()
  exits = 0

  constructor(init: CarrierProcessInit) {
    this.#init = init
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** The state of the process half a second ago at most. */
  get reading(): CarrierReading | undefined {
    return this.#reading
  }

  /** Port of `listen.peers`, while the process listens there. */
  get peersPort(): number | undefined {
    return this.#isRunning ? this.#peersPort : undefined
  }

  /** State of a torrent at a site. Undefined where the process does not carry it, or does not run. */
  carriageOf(infoHash: Uint8Array, site: string): CarriageMessage | undefined {
    return this.#carriage.get(carriageKey({ infoHash, site }))
  }

  /** All torrents and sites that the process carries. */
  get carriage(): Iterable<CarriageMessage> {
    return this.#carriage.values()
  }

  /** Of the present process. */
  get processId(): number | undefined {
    return this.#child?.pid
  }

  /** Bytes that a site received from another one, those of processes that ended included. */
  relayedBytes(to: string, from: string): number {
    const now = this.#reading?.relayed.find(([a, b]) => a === to && b === from)?.[2] ?? 0
    return (this.#relayedBefore.get(`${to}\n${from}`) ?? 0) + now
  }

  start(): void {
    const program = this.#init.program ?? fileURLToPath(new URL('carrier-main.js', import.meta.url))
    const child = fork(program, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const { peers, ...others } = this.#init.arguments
    // Clients know the port of the process before.
    const port = this.#peersPort ?? peers?.port ?? 0
    child.send({ ...others, peers: peers === undefined ? undefined : { ...peers, port } }, () => {})
    this.#alive ??= setInterval(() => this.#sendAlive(), ALIVE_MS)
    this.#child = child
    this.#startedMs = elapsedMs()
    child.on('message', (message) => this.#receive(message as FromCarriers))
    child.on('error', () => {})
    child.on('exit', (code, signal) => this.#exited(child, signal ?? code))
  }

  command(command: CarrierCommand): void {
    const key = keyOf(command)
    const isNew = command.kind === 'client' && !this.#state.has(key)
    if (command.kind === 'remove') this.#state.delete(key)
    else if (command.kind === 'forget') this.#state.delete(`geometry ${hexOf(command.infoHash)}`)
    else if (command.kind === 'hold' && !command.isOnHold) this.#state.delete(key)
    else this.#state.set(key, command)
    if (!this.#isRunning) return
    // The last command about a subject replaces an earlier one, and takes its place in the order.
    this.#pending.delete(key)
    this.#pending.set(key, command)
    // An announce may wait until a new client was dialled.
    if (isNew) this.#immediate ??= setImmediate(() => this.#flush())
    else this.#batch ??= setTimeout(() => this.#flush(), BATCH_MS)
  }

  /** A connection of another node, whose upgrade was accepted. Closed where no process runs. */
  takeConnection(socket: Socket, head: Buffer, site?: string): void {
    if (!this.#isRunning || this.#child === undefined) {
      socket.destroy()
      return
    }
    this.#child.send({ kind: 'connection', head, site } satisfies ToCarriers, socket, (error) => {
      if (error !== null) socket.destroy()
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#restart)
    clearTimeout(this.#batch)
    clearImmediate(this.#immediate)
    clearInterval(this.#alive)
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    if (child.connected) child.send({ kind: 'stop' } satisfies ToCarriers, () => {})
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await exited
    clearTimeout(deadline)
  }

  #receive(message: FromCarriers): void {
    switch (message.kind) {
      case 'ready':
        this.#isRunning = true
        this.#peersPort = message.peersPort
        this.#send(
          [...this.#state.values()].toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)),
        )
        return this.#init.onRunning(true)
      case 'observations':
        return this.#init.onObservations(message.batch.flatMap(toObservation))
      case 'carriage':
        return this.#takeCarriage(message.changed, message.ended)
      case 'reading':
        this.#reading = message.reading
        return
      case 'log':
        return this.#init.log[message.level](message.fields, message.text)
    }
  }

  #sendAlive(): void {
    if (this.#child?.connected === true) this.#child.send({ kind: 'alive' } satisfies ToCarriers, () => {})
  }

  #takeCarriage(
    changed: readonly CarriageMessage[],
    ended: readonly Pick<CarriageMessage, 'site' | 'infoHash'>[],
  ): void {
    for (const carriage of changed) this.#carriage.set(carriageKey(carriage), carriage)
    for (const at of ended) this.#carriage.delete(carriageKey(at))
    this.#init.onCarriage?.([...changed, ...ended])
  }

  #flush(): void {
    clearTimeout(this.#batch)
    clearImmediate(this.#immediate)
    this.#batch = undefined
    this.#immediate = undefined
    const commands = [...this.#pending.values()]
    this.#pending.clear()
    this.#send(commands)
  }

  #send(commands: readonly CarrierCommand[]): void {
    if (commands.length === 0 || this.#child?.connected !== true) return
    this.#child.send({ kind: 'commands', commands } satisfies ToCarriers, () => {})
  }

  #exited(child: ChildProcess, reason: string | number | null): void {
    if (child !== this.#child) return
    this.#child = undefined
    this.#pending.clear()
    for (const [to, from, bytes] of this.#reading?.relayed ?? []) {
      const key = `${to}\n${from}`
      this.#relayedBefore.set(key, (this.#relayedBefore.get(key) ?? 0) + bytes)
    }
    this.#reading = undefined
    const wasRunning = this.#isRunning
    this.#isRunning = false
    this.#takeCarriage([], [...this.#carriage.values()])
    if (this.#isStopping) return
    this.exits++
    this.#failures = elapsedMs() - this.#startedMs >= HEALTHY_AFTER_MS ? 0 : this.#failures
    const delayMs = Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** this.#failures++)
    this.#init.log.warn(
      { event: 'carrier-process-exited', reason, restartMs: delayMs },
      'the process of the carriers exited; gateways take over until it runs again',
    )
    this.#restart = setTimeout(() => this.start(), delayMs)
    if (wasRunning) this.#init.onRunning(false)
  }
}

/** Commands to a process that begins: it knows the torrents and sites before the clients. */
const ORDER: readonly CarrierCommand['kind'][] = [
  'credentials',
  'sites',
  'rate',
  'hold',
  'geometry',
  'client',
  'remove',
  'forget',
]

function carriageKey({ infoHash, site }: Pick<CarriageMessage, 'site' | 'infoHash'>): string {
  return `${hexOf(infoHash)} ${site}`
}

function keyOf(command: CarrierCommand): string {
  switch (command.kind) {
    case 'client':
    case 'remove':
      return `client ${clientKey(command)}`
    case 'geometry':
    case 'forget':
      return `geometry ${hexOf(command.infoHash)}`
    case 'rate':
      return `rate ${command.from}\n${command.to}`
    case 'hold':
      return `hold ${hexOf(command.infoHash)} ${command.site ?? ''}`
    default:
      return command.kind
  }
}

function clientKey({ site, infoHash, address, port }: CarriedClientAddress): string {
  return `${site} ${hexOf(infoHash)} ${address} ${port}`
}

function hexOf(infoHash: Uint8Array): string {
  return Buffer.from(infoHash).toString('hex')
}

function toObservation(message: CarrierObservation): Observation[] {
  const address = parseAddress(message.address)
  return address === undefined ? [] : [{ ...message, address, infoHash: Buffer.from(message.infoHash) }]
}
