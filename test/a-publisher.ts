/** Runs `publish` against a stand-in node that accepts every torrent, for tests of the torrent and the output. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll } from 'vitest'
import { type CommandRun, runCommand } from './a-command-run.ts'

export interface RegisteredTorrent {
  readonly path: string
  readonly contentType: string | undefined
  readonly authorization: string | undefined
  readonly bytes: Buffer
}

type Publish = ((
  args: readonly string[],
  environment?: Readonly<Record<string, string>>,
  given?: Pick<Parameters<typeof runCommand>[1] & object, 'signal' | 'showStatus'>,
) => Promise<CommandRun>) & {
  /** Torrents registered so far. */
  readonly registered: RegisteredTorrent[]
  /** Warnings that the node responds with. */
  warnings: readonly { readonly code: string; readonly message: string }[]
}

/** Call it in a `describe`: the node runs until the tests of the block end. */
export function aPublisher(): Publish {
  const registered: RegisteredTorrent[] = []
  let node: Server
  beforeAll(async () => {
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const bytes = await buffer(request)
      const { url = '', method, headers } = request
      if (method === 'POST') {
        const { authorization } = headers
        registered.push({ path: url, contentType: headers['content-type'], authorization, bytes })
      }
      response.setHeader('content-type', 'application/json')
      const origin = new URL(url, 'http://node').searchParams.get('origin')
      response.end(JSON.stringify({ origin, sites: SITES, warnings: publish.warnings }))
    }
    node = createServer((request, response) => void answer(request, response))
    await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => new Promise((resolve) => node.close(resolve)))

  const run = (...[args, environment = {}, given = {}]: Parameters<Publish>) => {
    const { port } = node.address() as AddressInfo
    return runCommand(['publish', ...args, '--url', `http://127.0.0.1:${port}`], { environment, ...given })
  }
  const publish: Publish = Object.assign(run, { registered, warnings: [] })
  return publish
}

const SITES = [
  {
    site: 'fra',
    bubble: '-',
    torrentUrl: 'http://fra.example/x.torrent',
    magnetUrl: 'http://fra.example/x.magnet',
  },
  {
    site: 'fra',
    bubble: 'row-a',
    torrentUrl: 'http://row-a.example/x.torrent',
    magnetUrl: 'http://row-a.example/x.magnet',
  },
]
