/** A program that must be installed before a run. */
export interface ProgramRequirement {
  /** The name on the command line; any description where `check` is given. */
  readonly program: string
  /** A command that succeeds when the program is installed. */
  readonly check?: readonly string[]
  /** The Debian package that contains it, or the command that builds it. */
  readonly install: string
}
