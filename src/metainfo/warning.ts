/** A problem of a torrent that can be read: printed by `inspect`, `rewrite` and `publish`, never fatal. */
import type { EncodingProblemKind } from '../bencode/encoding-problem.ts'

export interface Warning {
  /** Public: scripts match on it in the JSON output. */
  readonly code: WarningCode
  /** The problem, its consequence, and the remedy. */
  readonly message: string
  /** From the start of the file. */
  readonly offset?: number
  /** With `integer-too-large` and the two `…-not-canonical`: the kind. There is one warning for each kind. */
  readonly problem?: EncodingProblemKind
  /** The number of occurrences; `offset` is that of the first. */
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
  | 'html-escaped'
  | 'client-refuses'
  | 'names-not-utf8'
  | 'names-changed'
  | 'names-collide'
  | 'empty-files'
