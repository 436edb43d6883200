/**
 * Requests to the admin listeners of nodes, from inside the namespace of each node: a request from the core would cross
 * the shaped links and count as content.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { commandIn } from './namespaces.ts'
import { ADMIN_TOKEN, type TrackerNode } from './trackers/tracker.ts'

const execute = promisify(execFile)
const TIMEOUT_MS = 10_000
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024

/** Arguments: URL, token, method, and for a request with a body its JSON. */
const SCRIPT = `const [url, token, method, body] = process.argv.slice(1)
const headers = { authorization: 'Bearer ' + token, ...(body && { 'content-type': 'application/json' }) }
const response = await fetch(url, { method, headers, ...(body && { body }) })
process.stdout.write(response.status + ' ' + (await response.text()))`

interface NodeResponse {
  readonly status: number
  readonly text: string
}

export const adminUrl = (path: string) => `http://127.0.0.1:6970${path}`

/** undefined if the node does not answer. */
export async function requestNode(
  node: TrackerNode,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: unknown,
): Promise<NodeResponse | undefined> {
  const json = body === undefined ? [] : [JSON.stringify(body)]
  const script = ['--input-type=module', '--eval', SCRIPT, adminUrl(path), ADMIN_TOKEN, method, ...json]
  const [program, args] = commandIn(node.namespace, [process.execPath, ...script])
  const options = { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX }
  const output = await execute(program, args, options).catch(() => undefined)
  const match = /^(\d+) ([^]*)$/.exec(output?.stdout ?? '')
  return match === null ? undefined : { status: Number(match[1]), text: match[2] ?? '' }
}

/** Sum over the samples of a metric whose labels match, 0 without one; undefined if the node does not answer. */
export async function readMetric(
  node: TrackerNode,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const response = await requestNode(node, 'GET', '/metrics')
  return response?.status === 200 ? sumMetric(response.text, name, labels) : undefined
}

/** The same in the text format of Prometheus. */
export function sumMetric(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  let sum = 0
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${name} `) && !line.startsWith(`${name}{`)) continue
    if (!Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))) continue
    sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return sum
}

/** The node that carries content into a site. */
export async function carrierOf(
  nodes: readonly TrackerNode[],
  site: string,
): Promise<TrackerNode | undefined> {
  const relays = await Promise.all(nodes.map((node) => readMetric(node, 'siteswarm_relays', { site })))
  return nodes.find((_node, index) => (relays[index] ?? 0) > 0)
}
