/** Reads one input and measures the time. */
import { elapsedMs } from '../../src/core/clock.ts'
import type { FuzzTarget } from './fuzz-target.ts'

/** Nothing from outside may hold the event loop for longer. */
const READ_MS_MAX = 50

/** A collection of garbage and other processes delay a read once; a slow input is slow each time. */
const REPETITIONS = 5

/** Milliseconds; the least of several reads for one that takes longer than `usualMs`. Rejects with what the target throws. */
export async function timedRead(
  target: FuzzTarget,
  input: Buffer,
  { usualMs = READ_MS_MAX, msMax = READ_MS_MAX } = {},
): Promise<number> {
  let least = Infinity
  for (let repetition = 0; repetition < REPETITIONS && least > usualMs; repetition++) {
    const startedMs = elapsedMs()
    const reading = target.read(input)
    if (reading !== undefined) await reading
    least = Math.min(least, elapsedMs() - startedMs)
  }
  if (least > msMax) throw new Error(`one input takes ${least.toFixed(0)} ms, more than ${msMax}`)
  return least
}
