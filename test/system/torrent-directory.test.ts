/** Tests the directory of registered torrents of a running node: files that are put there, and an unwritable one. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { runCommand } from '../a-command-run.ts'
import { ask } from '../a-download-server.ts'
import { aNode, type RunningNode } from '../a-node.ts'
import { aRedis, until } from '../a-redis.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../a-torrent.ts'
import { needs } from '../setup/needs.ts'

const REGISTERED_ONLY = 'torrents: { admit: registered, directory: ./tdir }\n'
const SECONDS_MS = 60_000

async function announce(node: RunningNode): Promise<string> {
  const infoHash = PLAIN_INFO_HASH.replaceAll(/../g, '%$&')
  const path = `/announce?info_hash=${infoHash}&peer_id=-XX0000-000000000000&port=6881&left=1`
  const { body } = await ask(Number(new URL(node.announceUrl).port), path, { localAddress: '127.1.1.1' })
  return body.toString('latin1')
}

const isAdmitted = async (node: RunningNode) => (await announce(node)).includes('5:peers')

test('a torrent that is put into the directory of a running node is registered within seconds', async () => {
  const node = await aNode({ more: REGISTERED_ONLY })
  expect(await announce(node)).toContain('this tracker does not serve that torrent')
  // Written as `cp` over a slow network does: in parts, under its name.
  const file = join(node.directory, 'tdir', 'my image.torrent')
  await writeFile(file, PLAIN_TORRENT.subarray(0, 100))
  await pause(3_000)
  await writeFile(file, PLAIN_TORRENT)
  await until(SECONDS_MS, 'the torrent is admitted', () => isAdmitted(node))
  expect(node.log()).not.toContain('torrent-unreadable')

  await writeFile(join(node.directory, 'tdir', 'notes.torrent'), 'not a torrent')
  await node.logged('torrent-unreadable')
  expect(await isAdmitted(node)).toBe(true)

  // As when the disk is unmounted: the torrents stay registered.
  await rename(join(node.directory, 'tdir'), join(node.directory, 'away'))
  await pause(3_000)
  expect(await isAdmitted(node)).toBe(true)
})

test.skipIf(needs('redis-server'))(
  'a torrent that is put into the directory of one node is registered on the other',
  async () => {
    const redis = await aRedis()
    const more = `${REGISTERED_ONLY}store: ${redis.url}\n`
    const [one, two] = [await aNode({ more }), await aNode({ more })]
    await writeFile(join(one.directory, 'tdir', 'my image.torrent'), PLAIN_TORRENT)
    for (const node of [one, two]) {
      await until(SECONDS_MS, 'the torrent is admitted', () => isAdmitted(node))
      const { out } = await runCommand(['torrents', '--url', node.adminUrl])
      expect(out).toContain(`${PLAIN_INFO_HASH}  a.txt\n`)
    }
  },
)

test('a directory that cannot be written is reported at start and by publish, with what to do', async () => {
  const node = await aNode({ more: 'torrents: { directory: /proc/siteswarm }\n' })
  expect(node.log()).toContain('"event":"torrents-unwritable"')
  const run = await runCommand(['publish', 'package.json', '--url', node.adminUrl])
  expect(run.exitCode).toBe(1)
  expect(run.err).toContain(
    'siteswarm publish: the torrent is not registered: torrents cannot be written to /proc/siteswarm (ENOENT); ' +
      'let the user of the node write there, or set torrents.directory\n',
  )
  expect(await announce(node)).toContain('5:peers')
})

test('a data directory on a file system that cannot hold it does not hang the node', async () => {
  const node = await aNode({ environment: { SITESWARM_DATA_DIRECTORY: '/proc/siteswarm' } })
  expect(node.log()).toContain('"event":"torrents-unwritable"')
  expect(await announce(node)).toContain('5:peers')
  expect(await node.stop()).toBe(0)
  expect(node.log()).toContain('"event":"snapshot-failed"')
})

test.skipIf(needs('redis-server'))(
  'a node whose directory cannot be written stays connected to Redis',
  async () => {
    const redis = await aRedis()
    const store = `store: ${redis.url}\n`
    const one = await aNode({ more: store })
    const two = await aNode({ more: `${store}torrents: { directory: /proc/siteswarm }\n` })
    expect(await runCommand(['publish', 'package.json', '--url', one.adminUrl])).toMatchObject({
      exitCode: 0,
    })
    await two.logged('torrents of the site cannot be stored on this node')
    await pause(2_000)
    expect(two.log()).not.toContain('store-down')
    expect((await two.admin('/readyz')).status).toBe(200)
  },
)
