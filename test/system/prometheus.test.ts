/** A real Prometheus scrapes a real node with the rules of deploy/: each rule and each panel is evaluated. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { aNode, announceFrom } from '../a-node.ts'
import { aPrometheus } from '../a-prometheus.ts'
import { until } from '../a-redis.ts'
import { needs } from '../setup/needs.ts'

const SOON_MS = 60_000

async function expressions(): Promise<string[]> {
  const files = await Promise.all(
    ['recording.yaml', 'alerts.yaml'].map(
      async (file) =>
        parse(await readFile(`deploy/prometheus/${file}`, 'utf8')) as {
          groups: { rules: { expr: string }[] }[]
        },
    ),
  )
  const dashboard = JSON.parse(await readFile('deploy/grafana/dashboards/siteswarm.json', 'utf8')) as {
    panels: { targets?: { expr: string }[] }[]
  }
  const rules = files.flatMap(({ groups }) => groups.flatMap((group) => group.rules))
  const targets = dashboard.panels.flatMap(({ targets: list = [] }) => list)
  return [...rules, ...targets].map(({ expr }) => expr.replaceAll('$site', '.*'))
}

describe.skipIf(needs('prometheus'))('Prometheus', () => {
  test('evaluates each rule and each panel on the metrics of a running node', async () => {
    const node = await aNode()
    await announceFrom(node, '127.1.1.1', { left: 0 })
    const { query, valuesOf } = await aPrometheus([{ ...node, site: 'fra' }])
    const all = await expressions()
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
})
