/** Checks a condition that is true unless this program has a bug. Expected failures are families of `errors.ts`. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${why}`)
}
