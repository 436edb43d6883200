/**
 * Debian's Prometheus with the rules of deploy/: it scrapes nodes every second and evaluates the rules as often. In the copy of
 * the alerts that it reads, a condition fires at once: a test cannot wait for the half hour that an operator does.
 */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { aDirectory, freePort } from './a-node.ts'
import { until } from './a-redis.ts'

const SOON_MS = 120_000

export interface ScrapedNode {
  readonly adminUrl: string
  readonly site: string
}

interface Alert {
  readonly labels: Readonly<Record<string, string>> & { readonly alertname: string }
  readonly state: 'pending' | 'firing'
}

export interface RunningPrometheus {
  query(
    expr: string,
    inSeconds?: number,
  ): Promise<{ readonly status: string; readonly error?: string; readonly data: unknown }>
  /** Now, or in some seconds as if nothing was scraped meanwhile. */
  valuesOf(expr: string, inSeconds?: number): Promise<string[]>
  /** Names of the alerts that fire, each once. */
  firing(): Promise<string[]>
  /** Resolves when the alert fires with these labels. */
  fires(name: string, labels?: Readonly<Record<string, string>>): Promise<void>
}

export interface PrometheusSettings {
  /** Applied to the text of alerts.yaml, such as for a threshold of minutes. */
  readonly change?: (alerts: string) => string
}

export async function aPrometheus(
  nodes: readonly ScrapedNode[],
  { change = (text) => text }: PrometheusSettings = {},
): Promise<RunningPrometheus> {
  const directory = await aDirectory()
  const port = await freePort()
  const read = (file: string) => readFile(`deploy/prometheus/${file}`, 'utf8')
  await writeFile(join(directory, 'recording.yaml'), await read('recording.yaml'))
  const alerts = change(await read('alerts.yaml')).replaceAll(/^( +)for: \w+$/gm, '$1for: 0s')
  await writeFile(join(directory, 'alerts.yaml'), alerts)
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['recording.yaml', 'alerts.yaml'],
    scrape_configs: [
      {
        job_name: 'siteswarm',
        static_configs: nodes.map(({ adminUrl, site }) => ({
          targets: [new URL(adminUrl).host],
          labels: { node_site: site },
        })),
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
  const query = (expr: string, inSeconds = 0) => {
    const time = String(Date.now() / 1000 + inSeconds)
    return get(`query?${new URLSearchParams({ query: expr, time }).toString()}`)
  }
  const valuesOf = async (expr: string, inSeconds = 0) => {
    const { data } = (await query(expr, inSeconds)) ?? {}
    return (
      (data as { result?: { value: [number, string] }[] } | undefined)?.result?.map(
        ({ value }) => value[1],
      ) ?? []
    )
  }
  const alertsNow = async () => {
    const { data } = await get('alerts')
    return (data as { alerts: readonly Alert[] }).alerts.filter(({ state }) => state === 'firing')
  }
  await until(
    SOON_MS,
    'each node is scraped',
    async () => (await valuesOf('up')).filter((value) => value === '1').length === nodes.length,
  )
  // An increase is seen only from a sample before it.
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  return {
    query,
    valuesOf,
    firing: async () => [...new Set((await alertsNow()).map(({ labels }) => labels.alertname))].toSorted(),
    fires: (name, labels = {}) =>
      until(SOON_MS, `${name} fires`, async () => isIn(await alertsNow(), name, labels)),
  }
}

function isIn(alerts: readonly Alert[], name: string, wanted: Readonly<Record<string, string>>): boolean {
  return alerts.some(
    ({ labels }) =>
      labels.alertname === name && Object.entries(wanted).every(([key, value]) => labels[key] === value),
  )
}
