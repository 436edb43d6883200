/**
 * The responses to 100,000 generated announces, as digests of a thousand each. A change that only makes the announce path
 * cheaper leaves all of them unchanged; a change of the policy replaces the file (`npx vitest run -u` writes it), and
 * names the reason in its commit.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { responsesOf, type WorldShape } from '../generated-announces.ts'

const PER_DIGEST = 1_000

const worlds: readonly (WorldShape & { readonly name: string })[] = [
  { name: 'three sites', seed: 1, sites: 3, bubbles: () => 3, torrents: 6, hosts: 60, gateways: 'auto' },
  { name: 'one site', seed: 2, sites: 1, bubbles: () => 1, torrents: 3, hosts: 900, gateways: 'auto' },
  { name: 'a large swarm', seed: 3, sites: 2, bubbles: () => 2, torrents: 1, hosts: 2_000, gateways: 'auto' },
  { name: 'many bubbles', seed: 4, sites: 3, bubbles: () => 16, torrents: 2, hosts: 700, gateways: 2 },
  {
    name: 'many sites',
    seed: 5,
    sites: 24,
    bubbles: (site) => 1 + (site % 4),
    torrents: 8,
    hosts: 40,
    gateways: 2,
  },
  { name: 'small swarms', seed: 6, sites: 5, bubbles: () => 2, torrents: 400, hosts: 500, gateways: 'auto' },
  { name: 'two hosts a site', seed: 7, sites: 12, bubbles: () => 2, torrents: 1, hosts: 2, gateways: 'auto' },
  { name: 'four gateways', seed: 8, sites: 4, bubbles: () => 5, torrents: 3, hosts: 200, gateways: 4 },
  { name: 'few hosts', seed: 9, sites: 3, bubbles: () => 2, torrents: 2, hosts: 9, gateways: 'auto' },
  {
    name: 'mixed',
    seed: 10,
    sites: 8,
    bubbles: (site) => 1 + site * 2,
    torrents: 30,
    hosts: 400,
    gateways: 'auto',
  },
]

test.each(worlds)('10,000 announces: $name', async (world) => {
  const digests: string[] = []
  let digest = createHash('sha256')
  let count = 0
  for await (const line of responsesOf(world, 10_000)) {
    digest.update(`${line}\n`)
    if (++count % PER_DIGEST !== 0) continue
    digests.push(digest.digest('hex').slice(0, 16))
    digest = createHash('sha256')
  }
  await expect(`${digests.join('\n')}\n`).toMatchFileSnapshot(
    `handouts/${world.name.replaceAll(' ', '-')}.txt`,
  )
})
