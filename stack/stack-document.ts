/**
 * Addresses of a running stack, as JSON for scripts and as text for a terminal. The JSON document is also a file in the
 * directory of the stack, where `demo` finds it.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../src/core/errors.ts'
import type { NodePlan, StackPlan } from './plan.ts'
import type { RunningStack } from './stack.ts'

export const DOCUMENT_NAME = 'stack.json'

/** The part of the document that a client of the stack needs. */
export interface StackAddresses {
  readonly nodes: readonly {
    readonly name: string
    readonly site: string
    readonly announce: string
    readonly admin: string
  }[]
}

/** Addresses of the stack on the fixed ports, which need no file. */
export const addressesOf = ({ nodes }: StackPlan): StackAddresses => ({
  nodes: nodes.map((node) => ({
    name: node.name,
    site: node.site,
    announce: announceUrl(node),
    admin: adminUrl(node),
  })),
})

export const announceUrl = ({ port }: NodePlan) => `http://127.0.0.1:${port}/announce`
export const adminUrl = ({ adminPort }: NodePlan) => `http://127.0.0.1:${adminPort}`

export async function readAddresses(directory: string): Promise<StackAddresses> {
  const path = join(directory, DOCUMENT_NAME)
  try {
    return JSON.parse(await readFile(path, 'utf8')) as StackAddresses
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new InputError(`there is no stack in ${directory}: ${reason}`)
  }
}

export function asDocument({ directory, topologyPath, nodes, redis, prometheusUrl }: RunningStack): object {
  return {
    directory,
    topology: topologyPath,
    nodes: nodes.map((node) => ({
      name: node.name,
      site: node.site,
      announce: node.announceUrl,
      udp: node.udpAnnounceUrl,
      admin: node.adminUrl,
      log: node.logPath,
      pid: node.pid,
    })),
    redis: redis.map(({ site, url }) => ({ site, url })),
    prometheus: prometheusUrl ?? null,
  }
}

export function asText(stack: RunningStack, isFixed: boolean): string {
  const { directory, topologyPath, nodes, redis, prometheusUrl } = stack
  const hash = '2bcb3dab253c7e8c9355b33f262efadd63005087'
  const [first, second] = nodes.map(({ announceUrl: url }) => url)
  return [
    ...nodes.map(({ name, announceUrl: url, adminUrl: admin }) => `${name}      ${url}   admin ${admin}`),
    ...redis.map(({ site, url }) => `${site}-redis  ${url}`),
    `prometheus ${prometheusUrl ?? 'is not installed (apt-get install prometheus)'}`,
    `topology   ${topologyPath}`,
    `logs       ${directory}/*/log`,
    '',
    'In another terminal: one node of Frankfurt records a seed, the other one hands it out.',
    `  npx siteswarm announce ${first} --info-hash ${hash} --port 6881 --from 127.1.1.5 --left 0`,
    `  npx siteswarm announce ${second} --info-hash ${hash} --port 6881 --from 127.1.2.7 --left 5`,
    `Dashboard of Frankfurt, in a browser on this machine: ${nodes[0]?.adminUrl}/`,
    'A file of 100 MB is published in New York and downloaded in Frankfurt and Amsterdam:',
    `  npm run stack -- demo${isFixed ? '' : ` --stack ${directory}`}`,
    'Ctrl-C stops everything; the logs stay.',
  ].join('\n')
}
