/**
 * Connection of the page to its node. While the node does not answer, the page keeps the last figures, states their age,
 * and retries; every request counts as an attempt.
 */
import { signal } from '@preact/signals'
import { systemClock } from '../../core/clock.ts'

/** The time of the last response of the node. */
export const answeredAtMs = signal<number | undefined>(undefined)
/** The time from which on the node has not answered; undefined while it answers. */
export const lostAtMs = signal<number | undefined>(undefined)
/** Increases when the node answers again; each view then reads everything from scratch. */
export const reconnections = signal(0)

/** A restarted node is found soon, and many open pages do not load it. */
const RETRY_MS = [1_000, 2_000, 4_000] as const
let failures = 0

export function nodeAnswered(): void {
  failures = 0
  answeredAtMs.value = systemClock.nowMs()
  if (lostAtMs.value === undefined) return
  lostAtMs.value = undefined
  reconnections.value++
}

export function nodeFailed(): void {
  failures++
  lostAtMs.value ??= systemClock.nowMs()
}

export function retryDelayMs(): number {
  return RETRY_MS[Math.min(failures, RETRY_MS.length) - 1] ?? RETRY_MS[0]
}
