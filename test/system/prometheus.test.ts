/** A real Prometheus scrapes real nodes with the rules of deploy/: each rule and each panel is evaluated, and has values. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { aFederation } from '../a-federation.ts'
import { aDirectory, aNode, announceFrom } from '../a-node.ts'
import { aPrometheus } from '../a-prometheus.ts'
import { libtorrent } from '../a-real-client.ts'
import { until } from '../a-redis.ts'
import { aSmallTorrent, aTorrentFor } from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const SOON_MS = 60_000
const PATIENCE = { timeout: 240_000 }
const CONTENT_BYTES = 1_000_000
/** In seconds: `[1h:1m]` reads the past at full minutes, of which a test has none. */
const MINUTE = 60

interface Rule {
  readonly record?: string
  readonly expr: string
}

async function rulesOf(file: string): Promise<readonly Rule[]> {
  const { groups } = parse(await readFile(`deploy/prometheus/${file}`, 'utf8')) as {
    groups: { rules: Rule[] }[]
  }
  return groups.flatMap(({ rules }) => rules)
}

async function panels(): Promise<string[]> {
  const dashboard = JSON.parse(await readFile('deploy/grafana/dashboards/siteswarm.json', 'utf8')) as {
    panels: { targets?: { expr: string }[] }[]
  }
  return dashboard.panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr }) => expr.replaceAll('$site', '.*'))
}

describe.skipIf(needs('prometheus'))('Prometheus', () => {
  test('evaluates each rule and each panel on the metrics of a running node', PATIENCE, async () => {
    const node = await aNode()
    await announceFrom(node, '127.1.1.1', { left: 0 })
    const { query, valuesOf } = await aPrometheus([{ ...node, site: 'fra' }])
    const rules = [...(await rulesOf('recording.yaml')), ...(await rulesOf('alerts.yaml'))]
    const all = [...rules.map(({ expr }) => expr), ...(await panels())]
    expect(all.length).toBeGreaterThan(50)
    for (const expr of all)
      expect({ expr, ...(await query(expr)) }).toMatchObject({ expr, status: 'success' })
    const selectors = new Set(
      all.flatMap((expr) => expr.match(/(?<![:\w])(?:siteswarm|process|nodejs)_\w+(?:\{[^}]*\})?/g) ?? []),
    )
    expect(selectors.size).toBeGreaterThan(40)
    // Only a federated node has remote sites, and content from them.
    const local = [...selectors].filter(
      (each) => !/federation_(?:up|age)|carrier_links|relayed_bytes/.test(each),
    )
    const empty: string[] = []
    for (const selector of local) if ((await valuesOf(selector)).length === 0) empty.push(selector)
    expect(empty).toEqual([])
    await until(SOON_MS, 'the peers are recorded', async () =>
      (await valuesOf('site_role:siteswarm_peers:max{site="fra",role="seed"}')).includes('1'),
    )
  })

  test.skipIf(needs('libtorrent'))(
    'has values for each record and each panel while nodes carry',
    async () => {
      const federation = await aFederation({
        names: ['fra', 'ams'],
        environment: { SITESWARM_OBSERVE_CONNECTIONS: '4096' },
      })
      await federation.connected()
      const { valuesOf } = await aPrometheus(
        federation.sites.map(({ name, adminUrl }) => ({ site: name, adminUrl })),
      )
      const directory = await aDirectory()
      const inFra = await aSmallTorrent(directory, CONTENT_BYTES, federation.site('fra').announceUrl)
      const inAms = await aTorrentFor(inFra, directory, federation.site('ams').announceUrl)
      await libtorrent({ torrent: inFra.path, directory: inFra.source, address: '127.1.6.1' })
      await libtorrent({ torrent: inAms.path, directory: join(directory, 'ams'), address: '127.2.6.1' })
      await until(SOON_MS, 'all bytes are counted', async () => {
        const [bytes = '0'] = await valuesOf('siteswarm_relayed_bytes_total{site="ams",from="fra"}')
        return Number(bytes) >= CONTENT_BYTES
      })
      expect(await valuesOf('max by (node_site, remote) (siteswarm_carrier_links)')).toEqual(['1', '1'])

      const records = await rulesOf('recording.yaml')
      // Conditions have values only in a fault, which alerts.test.ts injects; a panel of a record has those of the record.
      const others = (await panels()).filter((expr) => !/ > 0$|^\w+:\w+:\w+\{[^}]*\}$/.test(expr))
      const expected = [...records.map(({ expr }) => expr), ...others]
      expect(expected.length).toBeGreaterThan(35)
      const empty = async () => {
        const found: string[] = []
        for (const expr of expected) if ((await valuesOf(expr, MINUTE)).length === 0) found.push(expr)
        return found
      }
      await expect.poll(empty, { timeout: SOON_MS }).toEqual([])
    },
  )
})
