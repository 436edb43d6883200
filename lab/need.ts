/** A program that must be installed before a run. */
export interface Need {
  /** Its name on the command line; any name where `check` says how to look for it. */
  readonly program: string
  /** A command that succeeds when it is there. */
  readonly check?: readonly string[]
  /** The Debian package, or the command, that brings it. */
  readonly install: string
}
