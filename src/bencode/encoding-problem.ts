/**
 * Violations of bencoding that occur in real files, and integers that bencoding allows and no client can store.
 *
 * None of these makes a file unreadable, so none is refused. A client that decodes and re-encodes gets other bytes,
 * and inside `info` another infohash. Each is reported with its offset, so that a message can name the byte that
 * splits the swarm.
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
  'key-duplicate': 'a repeated dictionary key',
}
