/**
 * Reads one input and measures the time. One that takes longer than usual is read again, and its time is then that of the
 * processor: other processes delay a read, and a collection of garbage does once.
 */
import { elapsedMs } from '../../src/core/clock.ts'
import type { FuzzTarget } from './fuzz-target.ts'

/** Nothing from outside may hold the event loop for longer. */
const READ_MS_MAX = 50

const REPETITIONS = 5
/** A read that waits takes no time of the processor. */
const WAIT_MS_MAX = 5_000

/** Milliseconds; the least of several reads for one that takes longer than `usualMs`. Rejects with what the target throws. */
export async function timedRead(
  target: FuzzTarget,
  input: Buffer,
  { usualMs = READ_MS_MAX, msMax = READ_MS_MAX } = {},
): Promise<number> {
  let leastElapsed = await elapsedOf(target, input)
  let least = leastElapsed
  for (let repetition = 1; repetition < REPETITIONS && least > usualMs; repetition++) {
    const before = process.cpuUsage()
    leastElapsed = Math.min(leastElapsed, await elapsedOf(target, input))
    const { user, system } = process.cpuUsage(before)
    // Threads of V8 count for the process.
    least = Math.min(least, leastElapsed, (user + system) / 1_000)
  }
  if (least > msMax) throw new Error(`one input takes ${least.toFixed(0)} ms, more than ${msMax}`)
  if (leastElapsed > WAIT_MS_MAX) throw new Error(`one input waits for more than ${WAIT_MS_MAX} ms`)
  return least
}

async function elapsedOf(target: FuzzTarget, input: Buffer): Promise<number> {
  const startedMs = elapsedMs()
  const reading = target.read(input)
  if (reading !== undefined) await reading
  return elapsedMs() - startedMs
}
