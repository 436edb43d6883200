/** Reads and validates the flags of `publish` before any work is done. */
import { InputError } from '../core/errors.ts'
import { isWebSeedUrl } from '../metainfo/url-warnings.ts'
import { isFileName } from '../publish/file-name.ts'
import { isPieceLength } from '../publish/piece-length.ts'
import { type ExpectedHosts, readExpectedHosts } from '../rollouts/expected-hosts.ts'
import { type CommandFlags, textFlag } from './command.ts'

export interface PublishArguments {
  readonly name: string | undefined
  readonly isPrivate: boolean
  readonly isHybrid: boolean
  readonly pieceBytes: number | undefined
  readonly webSeeds: readonly string[]
  readonly output: string | undefined
  /** Hosts that are expected to download it; undefined without `--expect`. */
  readonly expect: ExpectedHosts | undefined
}

/** Returns the arguments, or one sentence that describes the first invalid one. */
export function readPublishArguments(flags: CommandFlags): PublishArguments | string {
  const pieceLength = textFlag(flags, 'pieceLength')
  const pieceBytes = pieceLength === undefined ? undefined : readSize(pieceLength)
  if (pieceLength !== undefined && (pieceBytes === undefined || !isPieceLength(pieceBytes))) {
    return `--piece-length ${pieceLength}: write a power of two from 16KiB to 16MiB, such as 256KiB`
  }
  const webSeeds = (flags['webSeed'] ?? []) as readonly string[]
  const problem = webSeeds.map((url) => webSeedProblem(url)).find((found) => found !== undefined)
  if (problem !== undefined) return problem
  const expect = textFlag(flags, 'expect')
  const expectProblem = expect === undefined ? undefined : problemOf(() => readExpectedHosts(expect))
  if (expectProblem !== undefined) return `--expect: ${expectProblem}`
  const name = textFlag(flags, 'name')
  if (name !== undefined && !isFileName(name))
    return `--name ${JSON.stringify(name)}: it becomes a file name, so it must not be empty or contain a slash`
  return {
    name,
    isPrivate: flags['private'] !== false,
    isHybrid: flags['hybrid'] === true,
    pieceBytes,
    webSeeds,
    output: textFlag(flags, 'output'),
    expect: expect === undefined ? undefined : readExpectedHosts(expect),
  }
}

/** The message of an `InputError`; undefined if there is none. */
function problemOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

/** The message does not repeat the URL, because the URL may contain a secret. */
function webSeedProblem(url: string): string | undefined {
  if (!isWebSeedUrl(url)) return '--web-seed: write http:// or https:// and a host, without spaces'
  const { username, password, search } = new URL(url)
  if (username !== '' || password !== '') {
    return '--web-seed: everyone who has the torrent could read the user and password; leave them out'
  }
  if (search !== '') {
    return (
      '--web-seed: everyone who has the torrent could read a signature or token in the query, and it would ' +
      'expire earlier than the torrent; leave the query out'
    )
  }
  return undefined
}

function readSize(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})(KiB|MiB)$/.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (unit === 'KiB' ? 1_024 : 1_048_576)
}
