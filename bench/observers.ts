/**
 * Cost of observing one large site: clients of one torrent that download at the same time, each a real socket on a loopback
 * address of its own. Prints the CPU time and memory of the engine, and how far its observations are behind the clients.
 *
 * The clients run in a second process. All of them start within ten seconds and complete after `--seconds`.
 *
 * Usage: observers [--clients 3000] [--pieces 10000] [--connections 4096] [--seconds 120]
 */
import { fork } from 'node:child_process'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Address } from '../src/core/address.ts'
import { systemClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { dialTcp } from '../src/observers/client-socket.ts'
import type { Observation } from '../src/observers/observation.ts'
import { Observers } from '../src/observers/observers.ts'
import { writeBitfield, writeHave } from '../src/wire/peer/availability.ts'
import { HANDSHAKE_BYTES, writeHandshake } from '../src/wire/peer/handshake.ts'
import { PieceSet } from '../src/wire/peer/piece-set.ts'

const number = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const CLIENTS = number('clients', 3_000)
const PIECES = number('pieces', 10_000)
const CONNECTIONS = number('connections', 4_096)
const SECONDS = number('seconds', 120)
/** Clients start one after the other within this time. */
const START_MS = 10_000
const INFO_HASH = Buffer.alloc(20, 9)
const PEER_ID = Buffer.from('-LT2080-abcdefghijkl')
/** Each client sends the pieces of this time together. */
const STEP_MS = 250

/** 127.96.0.1 and following. */
const addressOf = (client: number) => Address.v4(0x7f60_0001 + client)
const clientOf = (address: string) => {
  const [, , third, fourth] = address.split('.').map(Number)
  return ((third ?? 0) << 8) + (fourth ?? 0) - 1
}
const startOffsetMs = (client: number) => (client / CLIENTS) * START_MS

/** Completion of a client, from the time at which the run began. */
function shareAt(client: number, sinceMs: number): number {
  return Math.min(1, Math.max(0, (sinceMs - startOffsetMs(client)) / (SECONDS * 1_000)))
}

/** Number `step` of the pieces of a client: an order without repetitions that differs from client to client. */
const pieceOf = (client: number, step: number) => (step * 7_919 + client * 31) % PIECES

/** Delays between the clients and their observations. */
class Delays {
  readonly #startedMs: number
  readonly #behindMs: number[] = []
  readonly #latestMs = new Float64Array(CLIENTS)
  readonly #gapsMs = new Float64Array(CLIENTS)
  readonly #completeMs = new Float64Array(CLIENTS)
  observations = 0

  constructor(startedMs: number) {
    this.#startedMs = startedMs
  }

  note({ address, share, isComplete, observedAtMs }: Observation, nowMs: number): void {
    this.observations++
    const client = clientOf(address.toString())
    if (share === undefined || (this.#completeMs[client] as number) > 0) return
    const latestMs = this.#latestMs[client] as number
    if (latestMs > 0) this.#gapsMs[client] = Math.max(this.#gapsMs[client] as number, observedAtMs - latestMs)
    this.#latestMs[client] = observedAtMs
    const trueShare = shareAt(client, observedAtMs - this.#startedMs)
    if (isComplete) this.#completeMs[client] = nowMs
    else this.#behindMs.push((trueShare - share) * SECONDS * 1_000)
  }

  print(): void {
    const lateMs = [...this.#completeMs].map(
      (atMs, client) => atMs - this.#startedMs - startOffsetMs(client) - SECONDS * 1_000,
    )
    console.log(`observations are behind the clients by ${describe(this.#behindMs)}`)
    console.log(`longest time between two observations of a client: ${describe([...this.#gapsMs])}`)
    console.log(`completion is observed after ${describe(lateMs)}`)
  }
}

async function main(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--serve'])
  const { port, startedMs } = await new Promise<{ port: number; startedMs: number }>((resolve) =>
    child.once('message', (message) => resolve(message as { port: number; startedMs: number })),
  )
  console.log(`${CLIENTS} clients, ${PIECES} pieces, ${CONNECTIONS} connections, ${SECONDS} s a download`)
  const delays = new Delays(startedMs)
  const observers = new Observers({
    connections: CONNECTIONS,
    clock: systemClock,
    random: new SeededRandom(1),
    dial: dialTcp,
    onObservations: (batch) => {
      for (const observation of batch) delays.note(observation, systemClock.nowMs())
    },
  })
  globalThis.gc?.()
  const idleBytes = process.memoryUsage().rss
  const idle = process.cpuUsage()
  observers.start()
  for (let client = 0; client < CLIENTS; client++)
    setTimeout(() => announce(observers, client, port), startOffsetMs(client))
  const totalSeconds = START_MS / 1_000 + SECONDS + 10
  await printCosts(observers, totalSeconds)
  const { user, system } = process.cpuUsage(idle)
  globalThis.gc?.()
  const memory = (process.memoryUsage().rss - idleBytes) / CLIENTS
  console.log(
    `CPU: ${((user + system) / 1e6).toFixed(1)} s in ${totalSeconds} s; ${delays.observations} observations`,
  )
  console.log(`memory: ${memory.toFixed(0)} bytes a client, the records of this benchmark included`)
  delays.print()
  observers.stop()
  child.kill()
}

function announce(observers: Observers, client: number, port: number): void {
  const nowMs = systemClock.nowMs()
  observers.update({
    infoHash: INFO_HASH,
    address: addressOf(client),
    port,
    priority: client === 0 ? 'gateway' : 'other',
    isAnnouncedComplete: false,
    firstSeenMs: nowMs,
    announcedMs: nowMs,
    pieces: PIECES,
  })
}

/** One line for each ten seconds. */
async function printCosts(observers: Observers, totalSeconds: number): Promise<void> {
  let before = process.cpuUsage()
  for (let passed = 10; passed <= totalSeconds; passed += 10) {
    await delay(10_000)
    const used = process.cpuUsage(before)
    before = process.cpuUsage()
    const percent = ((used.user + used.system) / 10_000_000) * 100
    const { observations: counts, bytesRead } = observers.counters
    console.log(
      `${passed} s: ${percent.toFixed(1)} % of a core, ${observers.connections} connections, ` +
        `${counts.reachable} dials, ${(bytesRead / 1e6).toFixed(1)} MB read, ${counts.complete} complete`,
    )
  }
}

function describe(durationsMs: number[]): string {
  const sorted = durationsMs.sort((a, b) => a - b)
  const at = (share: number) => ((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) / 1_000).toFixed(2)
  return `${at(0.5)} s (median), ${at(0.99)} s (99 %), ${at(1)} s (most)`
}

function serveClients(): void {
  const startedMs = systemClock.nowMs()
  /** Connections, and the number of pieces that each has been sent. */
  const connected = new Map<Socket, { readonly client: number; sent: number }>()
  const countAt = (client: number) => Math.floor(shareAt(client, systemClock.nowMs() - startedMs) * PIECES)
  const server = createServer((socket) => {
    const client = clientOf(socket.localAddress ?? '')
    let received = 0
    socket.on('error', () => {})
    socket.on('close', () => connected.delete(socket))
    socket.on('data', (chunk) => {
      received += chunk.length
      if (received < HANDSHAKE_BYTES || connected.has(socket)) return
      const count = countAt(client)
      const pieces = new PieceSet((PIECES + 7) >> 3)
      for (let step = 0; step < count; step++) pieces.add(pieceOf(client, step))
      socket.write(writeHandshake(INFO_HASH, PEER_ID))
      if (count > 0) socket.write(writeBitfield(pieces.bits))
      connected.set(socket, { client, sent: count })
    })
  })
  server.listen({ host: '0.0.0.0', port: 0, backlog: 4_096 }, () =>
    process.send?.({ port: (server.address() as AddressInfo).port, startedMs }),
  )
  setInterval(() => {
    for (const [socket, state] of connected) {
      const count = countAt(state.client)
      if (count === state.sent) continue
      const haves: Buffer[] = []
      for (; state.sent < count; state.sent++) haves.push(writeHave(pieceOf(state.client, state.sent)))
      socket.write(Buffer.concat(haves))
    }
  }, STEP_MS)
}

if (process.argv.includes('--serve')) serveClients()
else await main()
