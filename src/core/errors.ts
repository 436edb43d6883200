/**
 * Expected failures, in three families.
 *
 * Refusal      the tracker rejects a peer's request. Shown to the peer, counted by code.
 * ConfigError  a file of the operator is wrong. Carries every problem found, each with its position.
 * InputError   a file or an argument of a command is wrong. One line, with what to do.
 *
 * Anything else is a bug and keeps its stack trace. Codes are public: they appear in metrics, logs and
 * docs/reference/errors.md, so a retired code is never reused.
 *
 * The texts avoid "unregistered torrent", "not registered" and "torrent cannot be found": Transmission 4 and
 * rtorrent 0.16 stop announcing permanently when they see one of these.
 */
import { type Problem, problemPage } from './problem.ts'

export { formatProblem, type Problem } from './problem.ts'

export const refusals = {
  TRK_INFO_HASH_MISSING: 'info_hash is missing',
  TRK_INFO_HASH_INVALID: 'info_hash must be 20 bytes, percent-encoded',
  TRK_INFO_HASH_REPEATED: 'an announce must have exactly one info_hash',
  TRK_PEER_ID_INVALID: 'peer_id must be 20 bytes, percent-encoded',
  TRK_PORT_INVALID: 'port must be a number from 1 to 65535',
  TRK_PARAMETER_INVALID: 'a parameter cannot be read',
  TRK_REQUEST_TOO_LONG: 'the request is too long',
  TRK_REQUEST_MALFORMED: 'the request cannot be read',
  TRK_METHOD_UNSUPPORTED: 'only GET is answered here',
  TRK_PATH_UNKNOWN: 'there is nothing at this path; announce to /announce',
  TRK_SCRAPE_EMPTY: 'a scrape needs at least one info_hash',
  TRK_SCRAPE_TOO_MANY: 'too many info_hash in one scrape',
  TRK_FORWARDED_INVALID: 'the trusted proxy does not identify the client',
  TRK_ADDRESS_UNMAPPED: 'this address belongs to no site of this tracker',
  TRK_ADDRESS_UNUSABLE: 'other peers cannot reach this address',
  TRK_TOKEN_WRONG: 'the token in the announce URL is wrong',
  TRK_TORRENT_UNKNOWN: 'this tracker does not serve that torrent',
  TRK_DRAINING: 'this tracker node is draining; announce to another one',
  TRK_TOO_EARLY: 'no peer at your site has this torrent yet; announce again in a moment',
  TRK_SOURCE_CONNECTIONS: 'too many connections of this address',
  TRK_SOURCE_REQUESTS: 'too many requests of this address; announce again later',
  TRK_SOURCE_TORRENTS: 'too many new torrents of this address; announce again later',
  TRK_SOURCE_PEERS:
    'too many peers of this address; stop some, or raise limits.peersPerSource of the tracker',
  TRK_OVERLOADED: 'this tracker node is full; try again later',
  TRK_INTERNAL: 'internal tracker error',
} as const

export type RefusalCode = keyof typeof refusals

/** Thrown on the announce path, hundreds of times a second under attack, so it has no stack trace. */
export class Refusal {
  readonly code: RefusalCode
  /** Specifics, without line breaks; shown to the peer after the text of the code. */
  readonly detail: string | undefined

  constructor(code: RefusalCode, detail?: string) {
    this.code = code
    this.detail = detail
  }

  get message(): string {
    return this.detail === undefined ? refusals[this.code] : `${refusals[this.code]}: ${this.detail}`
  }
}

export class ConfigError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problemPage(problems).join('\n\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** A wrong file or argument of a command. The message names the problem, its place and the remedy. */
export class InputError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'InputError'
  }
}
