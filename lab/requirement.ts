/** A program that a run needs. */
export interface ProgramRequirement {
  /** The name on the command line; any description where `check` is given. */
  readonly program: string
  /** A command that succeeds when the program is installed. */
  readonly check?: readonly string[]
  /** The command that installs or builds it. */
  readonly install: string
  /** Fetches the program if it is missing. Resolves with the reason of a failure, or undefined. */
  readonly fetch?: () => Promise<string | undefined>
}
