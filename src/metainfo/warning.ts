/** What is wrong with a torrent that is good enough to be read: said by `inspect` and `rewrite`, never fatal. */

export interface Warning {
  /** Public: scripts match on it in the JSON output. */
  readonly code: WarningCode
  /** What, why it matters, and what to do. */
  readonly message: string
  /** From the start of the file. */
  readonly offset?: number
}

export type WarningCode =
  | 'not-private'
  | 'privacy-unknown'
  | 'info-not-canonical'
  | 'outside-not-canonical'
  | 'trailing-whitespace'
  | 'info-incomplete'
  | 'pieces-mismatch'
  | 'web-seeds'
  | 'hybrid'
  | 'v2-only'
  | 'announce-outside-list'
  | 'file-large'
