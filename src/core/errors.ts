/**
 * Everything that can go wrong, in three families.
 *
 * Refusal      the peer asked for something we will not do. Shown to the peer, counted by code.
 * ConfigError  the operator's file is wrong. Carries every problem found, each with its position.
 * InputError   a file or an argument that a command was given is wrong. One line, and what to do.
 *
 * Anything else is a bug and keeps its stack. Codes are public: they appear in metrics, logs and
 * docs/reference/errors.md, so a retired code is never used again.
 *
 * The texts avoid "unregistered torrent", "not registered" and "torrent cannot be found": Transmission 4 and
 * rtorrent 0.16 take them as a reason to stop announcing for good.
 */

export const refusals = {
  TRK_INFO_HASH_MISSING: 'info_hash is missing',
  TRK_INFO_HASH_INVALID: 'info_hash must be 20 bytes, percent-encoded',
  TRK_INFO_HASH_REPEATED: 'an announce is for one info_hash',
  TRK_PEER_ID_INVALID: 'peer_id must be 20 bytes, percent-encoded',
  TRK_PORT_INVALID: 'port must be a number from 1 to 65535',
  TRK_PARAMETER_INVALID: 'a parameter cannot be read',
  TRK_REQUEST_TOO_LONG: 'the request is too long',
  TRK_REQUEST_MALFORMED: 'the request cannot be read',
  TRK_METHOD_UNSUPPORTED: 'only GET is answered here',
  TRK_PATH_UNKNOWN: 'there is nothing at this path; announce to /announce',
  TRK_SCRAPE_EMPTY: 'a scrape names at least one info_hash',
  TRK_SCRAPE_TOO_MANY: 'too many info_hash in one scrape',
  TRK_FORWARDED_INVALID: 'the trusted proxy does not say clearly whose request this is',
  TRK_ADDRESS_UNMAPPED: 'this address belongs to no site of this tracker',
  TRK_ADDRESS_UNUSABLE: 'peers cannot be reached at this address',
  TRK_TOKEN_WRONG: 'the token in the announce URL is wrong',
  TRK_TORRENT_UNKNOWN: 'this tracker does not serve that torrent',
  TRK_DRAINING: 'this tracker node is going away; another one will answer',
  TRK_TOO_EARLY: 'nobody at your site has this torrent yet; ask again in a moment',
  TRK_OVERLOADED: 'this tracker node is full; try again later',
  TRK_INTERNAL: 'the tracker made a mistake',
} as const

export type RefusalCode = keyof typeof refusals

/** Thrown on the announce path, hundreds of times a second under attack: it has no stack trace. */
export class Refusal {
  readonly code: RefusalCode
  /** What in particular, with no line breaks; shown to the peer after the text of the code. */
  readonly detail: string | undefined

  constructor(code: RefusalCode, detail?: string) {
    this.code = code
    this.detail = detail
  }

  get message(): string {
    return this.detail === undefined ? refusals[this.code] : `${refusals[this.code]}: ${this.detail}`
  }
}

export interface Problem {
  /** The file, or the environment variable. */
  readonly file: string
  /** From 1; 0 where the problem is no one line. */
  readonly line: number
  /** From 1; 0 where the problem is no one line. */
  readonly column: number
  /** What is wrong. */
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
  /** The lines of the file around it, the last one with carets under the place. Secrets are masked. */
  readonly excerpt?: string
}

export class ConfigError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** The hint stands behind the carets, or on a line of its own where there are none. */
export function formatProblem({ file, line, column, message, hint, excerpt }: Problem): string {
  const head = line === 0 ? `${file}  ${message}` : `${file}:${line}:${column}  ${message}`
  if (excerpt === undefined) return hint === undefined ? head : `${head}\n  ${hint}`
  return hint === undefined ? `${head}\n${excerpt}` : `${head}\n${excerpt} ${hint}`
}

/** A file or argument that a person handed to a command. The message says what, where, and what to do. */
export class InputError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'InputError'
  }
}
