/**
 * The Lua scripts, by name. Each is one atomic step, because several nodes may run it at the same time. The number in a
 * file name is the number of its keys.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface Script {
  readonly lua: string
  readonly sha1: string
  readonly keys: number
}

function read(name: string): Script {
  const lua = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
  return {
    lua,
    sha1: createHash('sha1').update(lua).digest('hex'),
    keys: Number(/-(\d+)$/.exec(name)?.[1]),
  }
}

export const scripts = {
  claimLease: read('claim-lease-1'),
  countCompletions: read('count-completions-3'),
  poll: read('poll-6'),
  putDocuments: read('put-documents-2'),
  putOverride: read('put-override-1'),
  putTorrent: read('put-torrent-3'),
  removeTorrent: read('remove-torrent-3'),
  renewSecret: read('renew-secret-1'),
  restoreCompletions: read('restore-completions-2'),
  rotateEpoch: read('rotate-epoch-2'),
} as const
