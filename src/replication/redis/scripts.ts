/**
 * The Lua scripts, by name. Each does in one step what two nodes must not do at the same time. The number in the
 * name of a file is how many keys it takes.
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
  look: read('look-5'),
  putTorrent: read('put-torrent-3'),
  removeTorrent: read('remove-torrent-3'),
  renewSecret: read('renew-secret-1'),
  restoreCompletions: read('restore-completions-2'),
  rotateEpoch: read('rotate-epoch-2'),
} as const
