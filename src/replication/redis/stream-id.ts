/**
 * Ids of stream entries: `milliseconds-sequence`, by Redis's clock. They increase, and never repeat within one stream.
 */

export const FIRST_ID = '0-0'

export function compareIds(a: string, b: string): number {
  const [aMs, aSequence] = parts(a)
  const [bMs, bSequence] = parts(b)
  return aMs - bMs || aSequence - bSequence
}

/** Time at which Redis stored the entry. */
export const idMs = (id: string): number => parts(id)[0]

function parts(id: string): readonly [number, number] {
  const dash = id.indexOf('-')
  return dash < 0 ? [Number(id), 0] : [Number(id.slice(0, dash)), Number(id.slice(dash + 1))]
}
