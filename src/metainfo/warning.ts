/** What is wrong with a torrent that is good enough to be read: said by `inspect` and `rewrite`, never fatal. */
import type { EncodingProblemKind } from '../bencode/encoding-problem.ts'

export interface Warning {
  /** Public: scripts match on it in the JSON output. */
  readonly code: WarningCode
  /** What, why it matters, and what to do. */
  readonly message: string
  /** From the start of the file. */
  readonly offset?: number
  /** With `integer-too-large` and the two `…-not-canonical`: in what way. There is one warning for each. */
  readonly problem?: EncodingProblemKind
  /** How many there are of what is at `offset`; that is the first of them. */
  readonly count?: number
}

export type WarningCode =
  | 'not-private'
  | 'privacy-unknown'
  | 'info-not-canonical'
  | 'outside-not-canonical'
  | 'integer-too-large'
  | 'trailing-whitespace'
  | 'info-incomplete'
  | 'pieces-mismatch'
  | 'tracker-refused'
  | 'web-seeds'
  | 'web-seed-refused'
  | 'web-seed-query'
  | 'hybrid'
  | 'v2-only'
  | 'version-unknown'
  | 'announce-outside-list'
  | 'file-large'
