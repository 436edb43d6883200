/** A clock of a node that is set, and pipes in the places of its files. */
import { execFileSync } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { aDirectory, announceFrom, aNode, peersOf } from '../a-node.ts'

const CLOCK = fileURLToPath(new URL('./node-clock.mjs', import.meta.url))

test('a clock that is set an hour ahead expires no peer of a node with a store in memory', async () => {
  const node = await aNode({ environment: { NODE_OPTIONS: `--import=${CLOCK}` } })
  await announceFrom(node, '127.1.1.1', { left: 0 })
  node.process.kill('SIGUSR2')
  await node.logged('clock-set')
  const answer = await announceFrom(node, '127.1.1.2')
  expect(answer).toContain('8:completei1e')
  expect(peersOf(answer)).toEqual(['127.1.1.1:6881'])
})

test('a pipe in the place of the snapshot is named, and the node starts without it', async () => {
  const directory = await aDirectory()
  await mkdir(join(directory, 'data'))
  execFileSync('mkfifo', [join(directory, 'data', 'swarms-fra.snapshot')])
  const node = await aNode({ directory })
  expect(await announceFrom(node, '127.1.1.1', { left: 0 })).toContain('8:complete')
  expect(node.log()).toContain('swarms-fra.snapshot is not a regular file')
})

test('a pipe in the place of the topology is named at a reload, which does not wait for it', async () => {
  const node = await aNode()
  await rm(node.topologyPath)
  execFileSync('mkfifo', [node.topologyPath])
  const answer = await node.admin('/api/v1/reload', { method: 'POST' })
  expect(answer.status).toBe(422)
  expect(await answer.text()).toContain('not a regular file')
  expect(await announceFrom(node, '127.1.1.1', { left: 0 })).toContain('8:complete')
})
