/** Hosts that become gateway one after the other, and the state that a node keeps of them. */
import { expect, test } from 'vitest'
import { announceFrom, aNode, peersOf } from '../a-node.ts'
import { reportFigure } from './report-figure.ts'

const HOSTS = 1_300
const REMEMBERED = 1_000
const SEED = '127.2.1.1'

test('of 1,300 hosts that were gateway, a node remembers the last thousand', async () => {
  const node = await aNode()
  await announceFrom(node, SEED, { left: 0 })
  let gateways = 0
  for (let number = 0; number < HOSTS; number++) {
    const host = `127.1.${1 + (number >> 8)}.${number & 255}`
    // Only a gateway is handed the seed of the other site.
    if (peersOf(await announceFrom(node, host)).includes(`${SEED}:6881`)) gateways++
    await announceFrom(node, host, { event: 'stopped' })
  }
  expect(gateways).toBe(HOSTS)
  await announceFrom(node, SEED, { left: 0 })
  // A leecher keeps the site in the list.
  await announceFrom(node, '127.1.1.1')
  const swarm = (await (await node.admin(`/api/v1/swarms/${'ab'.repeat(20)}`)).json()) as {
    sites: { site: string; gatewayHostsEver: number }[]
  }
  const remembered = swarm.sites.find(({ site }) => site === 'fra')?.gatewayHostsEver
  reportFigure(`${HOSTS} hosts that were gateway: ${remembered} are remembered`)
  expect(remembered).toBe(REMEMBERED)
})
