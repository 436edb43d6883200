/**
 * What bencoding forbids and files in the wild contain all the same; and integers that it allows and no client holds.
 *
 * None of these makes a file unreadable, so none is refused; but clients that decode and encode again get other
 * bytes, and inside `info` that is another infohash. They are noted with their offset, so that
 * somebody can be told which byte splits the swarm.
 */

export type EncodingProblemKind =
  | 'integer-leading-zero'
  | 'integer-minus-zero'
  | 'integer-too-large'
  | 'length-leading-zero'
  | 'key-unsorted'
  | 'key-duplicate'

export interface EncodingProblem {
  readonly kind: EncodingProblemKind
  /** From the start of the scanned buffer: the `i`, the length, or the length of the key. */
  readonly offset: number
}

export const encodingProblemTexts: Readonly<Record<EncodingProblemKind, string>> = {
  'integer-leading-zero': 'an integer with a leading zero',
  'integer-minus-zero': 'the integer -0',
  'integer-too-large': 'an integer of more than 64 bits',
  'length-leading-zero': 'a string length with a leading zero',
  'key-unsorted': 'a dictionary key that sorts before the one it follows',
  'key-duplicate': 'a dictionary key that was there before',
}
