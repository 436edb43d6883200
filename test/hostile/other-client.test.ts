/** A host behind the NAT address of another one, which announces the other one's port. */
import { expect, test } from 'vitest'
import { announceFrom, aNode, peersOf } from '../a-node.ts'
import { reportFigure } from './report-figure.ts'

const NAT = '127.1.1.1'
const OWNER = { peer_id: '-XX0000-owner.......', key: 'AAAA0001' }
const OTHER = { peer_id: '-XX0000-other.......', key: 'BBBB0002', port: 6881 }

test('another client behind one address neither stops nor overwrites a peer, and gets peers itself', async () => {
  const node = await aNode()
  await announceFrom(node, NAT, { ...OWNER, left: 0 })
  await announceFrom(node, '127.1.1.9', { left: 0 })
  const attacks = [
    { event: 'stopped', left: 1000 },
    { event: 'started', left: 1000 },
    { left: 1000 },
    { event: 'completed', left: 0 },
    { event: 'stopped', left: 0 },
  ]
  let effective = 0
  for (const attack of attacks) {
    await announceFrom(node, NAT, { ...OTHER, ...attack })
    // The response to a host that is not in the swarm has the counts, and records nothing.
    const counts = await announceFrom(node, '127.1.1.3', { event: 'stopped' })
    if (!counts.includes('8:completei2e')) effective++
    await announceFrom(node, NAT, { ...OWNER, left: 0 })
  }
  reportFigure(
    `another client behind one address: ${effective} of ${attacks.length} of its announces change the peer`,
  )
  expect(effective).toBe(0)
  expect(peersOf(await announceFrom(node, NAT, { ...OTHER, left: 1000 }))).toContain('127.1.1.9:6881')
  const asked = await announceFrom(node, '127.1.1.2')
  expect(asked).toContain('8:completei2e')
  expect(peersOf(asked)).toContain(`${NAT}:6881`)
})

test('clients behind one address with ports of their own are peers of their own', async () => {
  const node = await aNode()
  for (let port = 6881; port < 6891; port++)
    await announceFrom(node, NAT, { peer_id: `-XX0000-host${port}....`, key: `${port}`, port, left: 0 })
  expect(await announceFrom(node, '127.1.1.2')).toContain('8:completei10e')
})
