/**
 * Reads torrents with libtorrent, in one long-lived Python process, because starting one takes longer than reading a
 * thousand torrents. Input: each torrent after its length. Output: one line of JSON for each.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface LibtorrentTorrent {
  readonly v1: string | null
  readonly v2: string | null
  readonly bytes: number
  readonly pieces: number
  /** Tier and URL of each, sorted. */
  readonly trackers: readonly string[]
  readonly webSeeds: readonly string[]
}

export type LibtorrentResult = LibtorrentTorrent | { readonly refused: string }

const READ = `
import json, struct, sys, libtorrent
def read(data):
  try:
    info = libtorrent.torrent_info(data)
  except RuntimeError as error:
    return {'refused': str(error)}
  hashes = info.info_hashes()
  return {
    'v1': str(hashes.v1) if hashes.has_v1() else None,
    'v2': str(hashes.v2) if hashes.has_v2() else None,
    'bytes': info.total_size(),
    'pieces': info.num_pieces(),
    'trackers': sorted('%d %s' % (tracker.tier, tracker.url) for tracker in info.trackers()),
    'webSeeds': sorted(seed['url'] for seed in info.web_seeds()),
  }
while True:
  head = sys.stdin.buffer.read(4)
  if len(head) < 4: break
  print(json.dumps(read(sys.stdin.buffer.read(struct.unpack('>I', head)[0]))), flush=True)
`

export class LibtorrentReader {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor() {
    this.#process = spawn('/usr/bin/python3', ['-W', 'ignore', '-c', READ], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]()
  }

  /** One at a time. */
  async read(torrent: Buffer): Promise<LibtorrentResult> {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(torrent.length)
    this.#process.stdin?.write(Buffer.concat([head, torrent]))
    const line = await this.#lines.next()
    if (line.done === true) throw new Error('libtorrent ended before it answered')
    return JSON.parse(line.value) as LibtorrentResult
  }

  async stop(): Promise<void> {
    const exit = once(this.#process, 'exit')
    this.#process.stdin?.end()
    await exit
  }
}
