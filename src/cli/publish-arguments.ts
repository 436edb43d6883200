/** What `publish` was asked for, and what is wrong with that before any work is done. */
import { isWebSeedUrl } from '../metainfo/url-warnings.ts'
import { isFileName } from '../publish/file-name.ts'
import { isPieceLength } from '../publish/piece-length.ts'
import { type CommandFlags, textFlag } from './command.ts'

export interface PublishArguments {
  readonly name: string | undefined
  readonly isPrivate: boolean
  readonly isHybrid: boolean
  readonly pieceBytes: number | undefined
  readonly webSeeds: readonly string[]
  readonly output: string | undefined
}

/** The arguments, or one sentence that says what is wrong with them. */
export function readPublishArguments(flags: CommandFlags): PublishArguments | string {
  const pieceLength = textFlag(flags, 'pieceLength')
  const pieceBytes = pieceLength === undefined ? undefined : readSize(pieceLength)
  if (pieceLength !== undefined && (pieceBytes === undefined || !isPieceLength(pieceBytes))) {
    return `--piece-length ${pieceLength}: write a power of two from 16KiB to 16MiB, such as 256KiB`
  }
  const webSeeds = (flags['webSeed'] ?? []) as readonly string[]
  const problem = webSeeds.map((url) => webSeedProblem(url)).find((found) => found !== undefined)
  if (problem !== undefined) return problem
  const name = textFlag(flags, 'name')
  if (name !== undefined && !isFileName(name))
    return `--name ${JSON.stringify(name)}: it becomes the name of a file, so no slash, and not empty`
  return {
    name,
    isPrivate: flags['private'] !== false,
    isHybrid: flags['hybrid'] === true,
    pieceBytes,
    webSeeds,
    output: textFlag(flags, 'output'),
  }
}

/** The URL itself is not repeated: what is wrong with it may be that it holds a secret. */
function webSeedProblem(url: string): string | undefined {
  if (!isWebSeedUrl(url)) return '--web-seed: write http:// or https://, a host, and no spaces'
  const { username, password, search } = new URL(url)
  if (username !== '' || password !== '') {
    return '--web-seed: a user or password would be there for everybody who has the torrent'
  }
  if (search !== '') {
    return (
      '--web-seed: a signature or token in the query would be there for everybody who has the torrent, and ' +
      'expire before it does; leave the query out'
    )
  }
  return undefined
}

function readSize(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})(KiB|MiB)$/.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (unit === 'KiB' ? 1_024 : 1_048_576)
}
