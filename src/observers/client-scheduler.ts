/**
 * Decides when each client is dialled, how long its connection stays, and what the end of a connection means. All times
 * are engine times, which the caller advances.
 */
import {
  OBSERVED_BITFIELD_BYTES_MAX,
  OBSERVER_BYTES_PER_SECOND_MAX,
  OBSERVER_DIALS_PER_SECOND_MAX,
} from '../core/limits.ts'
import type { Random } from '../core/random.ts'
import { makePeerId } from '../wire/peer/peer-id.ts'
import { ProtocolViolation } from '../wire/peer/protocol-violation.ts'
import { backoffMs } from './backoff.ts'
import { BitfieldMemory } from './bitfield-memory.ts'
import { ClientQueues } from './client-queues.ts'
import { sendsHave } from './client-kind.ts'
import type { Dial } from './client-socket.ts'
import { ConnectionSlots } from './connection-slots.ts'
import { LivenessProbe, SILENT_BEFORE_PROBE_MS, SILENT_DIALS } from './liveness-probe.ts'
import type { ObservedClient } from './observed-client.ts'
import { type ConnectionEnd, ObserverConnection } from './observer-connection.ts'
import type { ObservationResult, ObserverCounters } from './observer-counters.ts'
import { PieceRecord } from './piece-record.ts'
import { pollIntervalMs } from './poll-cadence.ts'
import { TokenBucket } from './token-bucket.ts'
import { nextTurnMs, phaseDeadlineMs, readDueMs } from './turn-times.ts'

/** The client must notice the end of the first connection before it accepts a second one from the same address. */
const RECONNECT_AFTER_MS = 100
/** A vital client that closes connections sooner than this is dialled once a second. */
const LASTING_MS = 5_000
const REDIAL_MS_MIN = 1_000
/** The first violation is followed by the backoff of the fourth failure: 40 s. */
const OFFENCE_FAILURES = 3
/** After a failure of the node itself, such as too many open files or a missing IPv6 route. */
const LOCAL_FAILURE_MS = 5_000
/** Ranks of dials, most urgent first: see ObservedClient. */
const DIAL_RANKS = [0, 1, 2]

export interface SchedulerInit {
  readonly connections: number
  readonly random: Random
  readonly dial: Dial
  readonly nowMs: () => number
  readonly utcMs: () => number
  readonly counters: ObserverCounters
  /** A dial of the client has an outcome, or its pieces changed. */
  readonly onChange: (client: ObservedClient) => void
}

export class ClientScheduler {
  readonly #init: SchedulerInit
  readonly slots: ConnectionSlots
  readonly memory = new BitfieldMemory(OBSERVED_BITFIELD_BYTES_MAX)
  readonly #queues = new ClientQueues()
  readonly #dialBudget: TokenBucket
  readonly #byteBudget: TokenBucket

  constructor(init: SchedulerInit) {
    this.#init = init
    this.slots = new ConnectionSlots(init.connections)
    const nowMs = init.nowMs()
    const dials = OBSERVER_DIALS_PER_SECOND_MAX
    const bytes = OBSERVER_BYTES_PER_SECOND_MAX
    this.#dialBudget = new TokenBucket({ perSecond: dials, burst: dials, nowMs })
    this.#byteBudget = new TokenBucket({ perSecond: bytes, burst: bytes, nowMs })
  }

  /** Everything that is due. */
  run(): void {
    const nowMs = this.#init.nowMs()
    const takeTurn = () => this.#queues.takeTurn(nowMs)
    for (let client = takeTurn(); client !== undefined; client = takeTurn()) this.#turn(client)
    for (const rank of DIAL_RANKS) {
      while (this.#hasDial(rank)) {
        const client = this.#queues.takeDial(rank, nowMs)
        if (client === undefined) break
        if (this.#dial(client)) continue
        this.#queues.dialAt(client, nowMs)
        break
      }
    }
  }

  /** Starts to observe a client, or dials one that has no connection before its time. Returns false without a free connection. */
  dialNow(client: ObservedClient): boolean {
    if (client.connection !== undefined) return true
    this.#queues.remove(client)
    if (this.#dial(client)) return true
    this.#queues.dialAt(client, this.#init.nowMs())
    return false
  }

  /** Dials the client in the order of the queue, at the next run. */
  dialSoon(client: ObservedClient): void {
    if (client.connection === undefined) this.#queues.dialAt(client, this.#init.nowMs())
  }

  /** The priority of the client may have changed. */
  reprioritize(client: ObservedClient): void {
    if (client.connection !== undefined) {
      this.slots.rerank(client)
      this.#watchLiveness(client)
      this.#scheduleTurn(client)
    } else if (client.isVital && client.reachability === 'reachable') this.dialSoon(client)
    else this.#queues.dialAt(client, client.dueMs)
  }

  /** Ends the observation of the client. */
  drop(client: ObservedClient): void {
    this.#disconnect(client)
    this.#queues.remove(client)
  }

  // ---- Dials

  #hasDial(rank: number): boolean {
    const nowMs = this.#init.nowMs()
    return this.#dialBudget.left(nowMs) >= 1 && (rank === 0 || this.#byteBudget.left(nowMs) > 0)
  }

  /** Returns false where no connection is free. */
  #dial(client: ObservedClient): boolean {
    if (this.slots.isFull) {
      const other = client.dialRank < 2 ? this.slots.leastImportant(client.holdRank) : undefined
      if (other === undefined) return false
      this.#pollOnly(other)
    }
    const nowMs = this.#init.nowMs()
    this.slots.take()
    this.#dialBudget.spend(1, nowMs)
    client.dialledMs = nowMs
    client.isShown = false
    const connection = new ObserverConnection({
      client,
      peerId: makePeerId(this.#init.random),
      pieces: new PieceRecord(client.torrent, this.memory),
      dial: this.#init.dial,
      nowMs: this.#init.nowMs,
      events: {
        onReachable: () => this.#reached(client),
        onHandshake: (peerId) => void (client.sendsHave = sendsHave(peerId)),
        onData: (bytes) => this.#received(client, bytes),
        onEnd: (end) => this.#ended(client, end),
      },
    })
    client.connection = connection
    this.#scheduleTurn(client)
    return true
  }

  #reached(client: ObservedClient): void {
    const nowMs = this.#init.nowMs()
    this.#count('reachable')
    client.wasAlive = true
    client.silences = 0
    client.failures = 0
    client.checkedMs = nowMs
    client.reachability = 'reachable'
    client.isGone = false
    this.#scheduleTurn(client)
    this.#init.onChange(client)
  }

  // ---- Connections

  #received(client: ObservedClient, bytes: number): void {
    const nowMs = this.#init.nowMs()
    this.#init.counters.bytesRead += bytes
    this.#byteBudget.spend(bytes, nowMs)
    client.checkedMs = nowMs
    this.#observe(client)
  }

  /** Takes note of the pieces that the connection has shown so far. */
  #observe(client: ObservedClient): void {
    const { connection } = client
    if (connection === undefined) return
    const wasComplete = client.isComplete
    const isFirst = connection.phase === 'open' && !client.isShown
    const isChanged = client.recordPieces(this.#init.nowMs(), isFirst)
    if (client.isComplete && !wasComplete) this.#count('complete')
    if (isChanged || isFirst) this.#init.onChange(client)
    if (isFirst) this.#shown(client)
    else {
      this.slots.rerank(client)
      this.#scheduleTurn(client)
    }
  }

  /** The client has shown its pieces on a new connection, which is held or closed from now on. */
  #shown(client: ObservedClient): void {
    client.isShown = true
    client.closes = 0
    this.#count('pieces')
    client.pollDueMs = Math.min(this.#nextPollMs(client), client.confirmedAtMs())
    if (!this.slots.hold(client, (other) => this.#pollOnly(other))) return this.#pollOnly(client)
    this.#watchLiveness(client)
    this.#scheduleTurn(client)
  }

  #watchLiveness(client: ObservedClient): void {
    if (!client.isVital) {
      client.probe?.stop()
      client.probe = undefined
    } else if (client.isShown)
      client.probe ??= new LivenessProbe({
        client,
        dial: this.#init.dial,
        nowMs: this.#init.nowMs,
        onOutcome: (outcome) => this.#probed(client, outcome),
      })
  }

  /** Closes the connection. The client is polled from now on. */
  #pollOnly(client: ObservedClient): void {
    this.#disconnect(client)
    this.#queues.dialAt(client, Math.min(this.#nextPollMs(client), client.confirmedAtMs()))
  }

  #disconnect(client: ObservedClient): void {
    if (client.connection === undefined) return
    client.connection.close()
    this.#forgetConnection(client)
  }

  #forgetConnection(client: ObservedClient): void {
    client.connection = undefined
    client.probe?.stop()
    client.probe = undefined
    this.slots.release(client)
  }

  /** A deadline of the connection, or the time to read it again. */
  #turn(client: ObservedClient): void {
    const { connection } = client
    if (connection === undefined) return
    const nowMs = this.#init.nowMs()
    const deadlineMs = phaseDeadlineMs(client, connection)
    if (connection.phase !== 'open') {
      if (nowMs < deadlineMs) return this.#queues.turnAt(client, deadlineMs)
      if (connection.phase === 'waiting' && !connection.pieces.isPartial) {
        connection.assumeNoPieces()
        return this.#observe(client)
      }
      const end = connection.phase === 'dialling' ? 'silent' : 'mute'
      connection.close()
      return this.#ended(client, end)
    }
    if (client.isReconnected && nowMs >= client.pollDueMs && this.#hasDial(client.dialRank)) {
      this.#disconnect(client)
      return this.#queues.dialAt(client, nowMs + RECONNECT_AFTER_MS)
    }
    this.#heldTurn(client, connection)
  }

  #heldTurn(client: ObservedClient, connection: ObserverConnection): void {
    const nowMs = this.#init.nowMs()
    if (connection.isPaused && nowMs >= readDueMs(client, connection) && this.#byteBudget.left(nowMs) > 0)
      connection.resume()
    if (nowMs >= client.confirmedAtMs()) return this.#observe(client)
    if (client.noteStall(nowMs)) {
      this.slots.rerank(client)
      this.#init.onChange(client)
    }
    connection.keepAlive()
    this.#advanceProbe(client, connection)
    // Both may have ended the connection.
    if (client.connection === connection) this.#scheduleTurn(client)
  }

  #advanceProbe({ probe }: ObservedClient, { receivedMs }: ObserverConnection): void {
    const nowMs = this.#init.nowMs()
    if (probe === undefined || nowMs < probe.dueMs(receivedMs)) return
    if (!probe.isDialling) {
      if (!this.#hasDial(0)) return
      this.#dialBudget.spend(1, nowMs)
    }
    probe.advance()
  }

  #probed(client: ObservedClient, outcome: 'alive' | 'refused' | 'silent'): void {
    if (client.connection === undefined) return
    if (outcome !== 'alive') {
      client.connection.close()
      client.silences = SILENT_DIALS
      return this.#ended(client, outcome)
    }
    client.checkedMs = this.#init.nowMs()
    this.#scheduleTurn(client)
  }

  // ---- Ends

  #ended(client: ObservedClient, end: ConnectionEnd | 'mute'): void {
    const { connection } = client
    if (connection === undefined) return
    const nowMs = this.#init.nowMs()
    client.checkedMs = nowMs
    this.#forgetConnection(client)
    this.#count(resultOf(end))
    if (end === 'refused' || end === 'silent') return this.#unanswered(client, end)
    if (end === 'local') {
      this.#init.onChange(client)
      return this.#queues.dialAt(client, nowMs + LOCAL_FAILURE_MS)
    }
    if (end === 'closed' || end === 'mute') return this.#closed(client, nowMs - connection.startedMs)
    client.offences++
    this.#queues.dialAt(client, nowMs + backoffMs(client.offences + OFFENCE_FAILURES, this.#init.random))
  }

  /** A client that was alive is gone when its port is closed, or when it is silent twice. */
  #unanswered(client: ObservedClient, end: 'refused' | 'silent'): void {
    const nowMs = this.#init.nowMs()
    if (end === 'silent' && client.wasAlive && !client.isGone && ++client.silences < SILENT_DIALS)
      return this.#queues.dialAt(client, nowMs)
    client.failures++
    client.reachability = 'unreachable'
    if (client.wasAlive && !client.isGone) {
      client.isGone = true
      this.#count('gone')
    }
    this.#init.onChange(client)
    this.#queues.dialAt(client, nowMs + backoffMs(client.failures, this.#init.random))
  }

  /**
   * The client accepted the connection and closed it. It may require encryption, be full, or have finished. Some clients
   * close a connection after a while in which neither side is interested, aria2 after 30 s; Transmission sometimes does
   * so before its bitfield. A vital client is dialled again at once: the dial of a client that was killed is refused.
   */
  #closed(client: ObservedClient, lastedMs: number): void {
    const nowMs = this.#init.nowMs()
    if (!client.isShown) client.closes++
    // Once may be chance, from a client that has shown its pieces before.
    const isUsual = client.isShown || (client.closes === 1 && client.progress.share !== undefined)
    const backoff = isUsual ? this.#nextPollMs(client) - nowMs : backoffMs(client.closes, this.#init.random)
    const delayMs = client.isVital ? Math.min(backoff, this.#redialDelayMs(client, lastedMs)) : backoff
    this.#queues.dialAt(client, nowMs + delayMs)
  }

  #redialDelayMs(client: ObservedClient, lastedMs: number): number {
    if (!client.isShown) return SILENT_BEFORE_PROBE_MS
    return lastedMs >= LASTING_MS ? RECONNECT_AFTER_MS : REDIAL_MS_MIN
  }

  #nextPollMs(client: ObservedClient): number {
    const ageMs = Math.max(0, this.#init.utcMs() - client.firstSeenMs)
    const { isComplete, progress } = client
    const polled = { sendsHave: client.sendsHave, isComplete, ageMs, share: progress.share }
    return this.#init.nowMs() + pollIntervalMs(polled)
  }

  #scheduleTurn(client: ObservedClient): void {
    const { connection } = client
    if (connection !== undefined)
      this.#queues.turnAt(client, nextTurnMs(client, connection, this.#init.nowMs()))
  }

  #count(result: ObservationResult): void {
    this.#init.counters.observations[result]++
  }
}

function resultOf(end: ConnectionEnd | 'mute'): ObservationResult {
  if (end instanceof ProtocolViolation) return 'violation'
  if (end === 'memory') return 'no-memory'
  return end === 'local' ? 'no-socket' : end
}
