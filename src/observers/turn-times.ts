/**
 * Times of the next look of the scheduler at a connection: its deadlines until the client has shown its pieces, and then the
 * earliest of everything that is done with a held connection.
 */
import { PROBE_TIMEOUT_MS } from './liveness-probe.ts'
import type { ObservedClient } from './observed-client.ts'
import type { ObserverConnection } from './observer-connection.ts'

/** For a client that has never answered: two retransmissions of the SYN, after 1 s and 3 s. */
const FIRST_DIAL_TIMEOUT_MS = 3_500
/** The kernel accepts connections while the client is busy; the handshake needs the client. */
const HANDSHAKE_TIMEOUT_MS = 5_000
/**
 * A client without pieces sends no bitfield. The others send it with the handshake, but Transmission 3.00 up to a second
 * later.
 */
const BITFIELD_TIMEOUT_MS = 2_000
/** A seed without a bitfield is a false seed, therefore it gets more time. */
const SEED_BITFIELD_TIMEOUT_MS = 4_000
/** A bitfield of 256 KiB takes 2 s at 1 Mbit/s. */
const WHOLE_BITFIELD_TIMEOUT_MS = 10_000
/** Pause between two reads of a connection. Vital clients are read more often. */
const TURN_MS = 1_000
const VITAL_TURN_MS = 250
/** Delay while the budget of bytes or dials is used up. */
const BUDGET_PAUSE_MS = 100

/** End of the current phase of a connection that is not open yet. */
export function phaseDeadlineMs(
  { wasAlive, isAnnouncedComplete }: ObservedClient,
  { phase, phaseMs, receivedMs }: ObserverConnection,
): number {
  if (phase === 'dialling') return phaseMs + (wasAlive ? PROBE_TIMEOUT_MS : FIRST_DIAL_TIMEOUT_MS)
  if (phase === 'greeting') return phaseMs + HANDSHAKE_TIMEOUT_MS
  const timeoutMs = isAnnouncedComplete ? SEED_BITFIELD_TIMEOUT_MS : BITFIELD_TIMEOUT_MS
  return Math.min(receivedMs + timeoutMs, phaseMs + WHOLE_BITFIELD_TIMEOUT_MS)
}

/** Time at which a paused connection is read again. */
export function readDueMs({ isVital }: ObservedClient, { receivedMs }: ObserverConnection): number {
  return receivedMs + (isVital ? VITAL_TURN_MS : TURN_MS)
}

export function nextTurnMs(client: ObservedClient, connection: ObserverConnection, nowMs: number): number {
  if (connection.phase !== 'open') return phaseDeadlineMs(client, connection)
  // Something that is due and could not be done waits for the budget.
  const earliestMs = nowMs + BUDGET_PAUSE_MS
  let dueMs = Math.min(connection.keepAliveDueMs(), client.confirmedAtMs())
  if (connection.isPaused) dueMs = Math.min(dueMs, Math.max(readDueMs(client, connection), earliestMs))
  if (client.isReconnected) dueMs = Math.min(dueMs, Math.max(client.pollDueMs, earliestMs))
  if (client.probe !== undefined)
    dueMs = Math.min(dueMs, Math.max(client.probe.dueMs(connection.receivedMs), earliestMs))
  return Math.min(dueMs, client.stallDueMs())
}
