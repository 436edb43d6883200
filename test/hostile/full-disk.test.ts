/** A full disk: the node answers announces and the API, and names the error. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { aDirectory, announceFrom, aNode } from '../a-node.ts'
import { PLAIN_TORRENT } from '../a-torrent.ts'

const isRoot = process.getuid?.() === 0

test.skipIf(!isRoot)(
  'a full disk rejects a torrent with the reason, and announces are answered',
  async () => {
    const directory = await aDirectory()
    const data = join(directory, 'data')
    mkdirSync(data)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', data])
    onTestFinished(() => void execFileSync('umount', ['-l', data]))
    const node = await aNode({ directory })
    expect(() => writeFileSync(join(data, 'filler'), Buffer.alloc(1 << 20))).toThrow('ENOSPC')
    const answer = await node.admin('/api/v1/torrents', {
      method: 'POST',
      body: new Uint8Array(PLAIN_TORRENT),
      headers: { 'content-type': 'application/x-bittorrent' },
    })
    expect(answer.status).toBe(503)
    expect(await answer.text()).toContain('cannot be written')
    expect(await announceFrom(node, '127.1.1.1', { left: 0 })).toContain('8:complete')
    expect((await node.admin('/api/v1/torrents')).status).toBe(200)
    expect(await node.stop()).toBe(0)
    expect(node.log()).toContain('snapshot-failed')
    expect(node.log()).toContain('ENOSPC')
  },
)
