/**
 * The logging port, so that no room depends on the logger. Texts are constant; variable data goes into fields. Each
 * warning has a counter beside it, and no announce writes a line above `debug`.
 */

export interface LogFields {
  /** Stable name of the event, such as `store-unavailable`. */
  readonly event: string
  readonly [field: string]: unknown
}

export interface Log {
  /** For debugging this program. */
  debug(fields: LogFields, text: string): void
  /** Normal operation; useful in hindsight. */
  info(fields: LogFields, text: string): void
  /** The program continues, but the operator should check the cause. */
  warn(fields: LogFields, text: string): void
  /** A failure that the operator has to repair. */
  error(fields: LogFields, text: string): void
}
