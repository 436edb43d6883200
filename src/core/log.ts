/**
 * How every room says something to the operator, without knowing what writes it. The text never changes; what
 * varies is a field. A warning has a counter beside it, and nothing above `debug` is written for each announce.
 */

export interface LogFields {
  /** What happened, in a word that never changes: `store-unavailable`. */
  readonly event: string
  readonly [field: string]: unknown
}

export interface Log {
  /** For whoever debugs this program. */
  debug(fields: LogFields, text: string): void
  /** Something an operator may want to read tomorrow. */
  info(fields: LogFields, text: string): void
  /** Something an operator should look at, although the program goes on. */
  warn(fields: LogFields, text: string): void
  /** Something is broken, and somebody has to repair it. */
  error(fields: LogFields, text: string): void
}
