/** The clock of a node that is set, as by an operator or NTP. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { announceFrom, aNode, peersOf } from '../a-node.ts'

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
