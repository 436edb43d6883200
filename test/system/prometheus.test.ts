/** A real Prometheus scrapes a real node with the rules of deploy/: each rule and each panel is evaluated, and alerts follow faults. */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { aDirectory, aNode, announceFrom, freePort, type RunningNode } from '../a-node.ts'
import { until } from '../a-redis.ts'
import { needs } from '../setup/needs.ts'

const SOON_MS = 60_000

interface Alert {
  readonly labels: { readonly alertname: string }
  readonly state: 'pending' | 'firing'
}

/** Scrapes the node every second, and evaluates the rules as often. */
async function aPrometheus(node: RunningNode) {
  const directory = await aDirectory()
  const port = await freePort()
  for (const file of ['recording.yaml', 'alerts.yaml'])
    await writeFile(join(directory, file), await readFile(`deploy/prometheus/${file}`))
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['recording.yaml', 'alerts.yaml'],
    scrape_configs: [
      {
        job_name: 'siteswarm',
        static_configs: [{ targets: [new URL(node.adminUrl).host], labels: { node_site: 'fra' } }],
      },
    ],
  }
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config))
  const flags = [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ]
  const child = spawn('prometheus', flags, { stdio: 'ignore' })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`).catch(() => undefined)
    return (await response?.json()) as {
      readonly status: string
      readonly error?: string
      readonly data: unknown
    }
  }
  const query = (expr: string) => get(`query?${new URLSearchParams({ query: expr }).toString()}`)
  const valuesOf = async (expr: string) => {
    const { data } = (await query(expr)) ?? {}
    return (
      (data as { result?: { value: [number, string] }[] } | undefined)?.result?.map(
        ({ value }) => value[1],
      ) ?? []
    )
  }
  const alert = async (name: string) => {
    const { data } = await get('alerts')
    return (data as { alerts: readonly Alert[] }).alerts.find(({ labels }) => labels.alertname === name)
      ?.state
  }
  await until(SOON_MS, 'the node is scraped', async () => (await valuesOf('up')).includes('1'))
  return { query, valuesOf, alert }
}

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
    const { query, valuesOf } = await aPrometheus(node)
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

  test('fires for a rejected topology at once, and has a drained and a killed node pending', async () => {
    const node = await aNode()
    const { alert } = await aPrometheus(node)
    expect(await alert('SiteswarmTopologyRefused')).toBeUndefined()
    // Prometheus sees an increase only from a sample that it has.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    await writeFile(node.topologyPath, 'sites: {}\n')
    node.process.kill('SIGHUP')
    await until(SOON_MS, 'it fires', async () => (await alert('SiteswarmTopologyRefused')) === 'firing')
    await node.admin('/api/v1/drain?reason=test', { method: 'POST' })
    await until(
      SOON_MS,
      'the drained node is pending',
      async () => (await alert('SiteswarmNodeNotReady')) === 'pending',
    )
    node.process.kill('SIGKILL')
    await until(
      SOON_MS,
      'the killed node is pending',
      async () => (await alert('SiteswarmSiteDown')) !== undefined,
    )
  })
})
