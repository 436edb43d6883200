/** A statement that is true unless this program has a bug. Expected trouble is a family of `errors.ts` instead. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${why}`)
}
