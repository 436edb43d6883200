/**
 * `npm run stack`: starts the stack, prints its addresses, and stops it on Ctrl-C, on SIGTERM, and when a part exits.
 *
 *   --free            free ports instead of those of docker-compose.yml
 *   --json            one JSON document when all nodes are ready
 */
import { parseArgs } from 'node:util'
import { type RunningStack, startStack } from './stack.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, free: { type: 'boolean' } },
})

const stopping = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
})

let stack: RunningStack | undefined
// Ends the parts however this process ends.
process.once('exit', () => stack?.kill())

try {
  if (values.json !== true) console.error('Starting two sites and a fallback node…')
  stack = await startStack({ ports: values.free === true ? 'free' : 'fixed', prometheus: true })
  if (values.json === true) console.log(JSON.stringify(asDocument(stack)))
  else console.log(asText(stack))
  await Promise.race([stopping, stack.ended])
  if (values.json !== true) console.error('Stopping…')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await stack?.stop()
}

function asDocument({ directory, topologyPath, nodes, redis, prometheusUrl }: RunningStack): unknown {
  return {
    directory,
    topology: topologyPath,
    nodes: nodes.map(({ name, site, announceUrl, udpAnnounceUrl, adminUrl, logPath, pid }) => ({
      name,
      site,
      announce: announceUrl,
      udp: udpAnnounceUrl,
      admin: adminUrl,
      log: logPath,
      pid,
    })),
    redis: redis.map(({ site, url }) => ({ site, url })),
    prometheus: prometheusUrl ?? null,
  }
}

function asText({ directory, topologyPath, nodes, redis, prometheusUrl }: RunningStack): string {
  const hash = '2bcb3dab253c7e8c9355b33f262efadd63005087'
  const [first, second] = nodes.map(({ announceUrl }) => announceUrl)
  return [
    ...nodes.map(({ name, announceUrl, adminUrl }) => `${name}      ${announceUrl}   admin ${adminUrl}`),
    ...redis.map(({ site, url }) => `${site}-redis  ${url}`),
    `prometheus ${prometheusUrl ?? 'is not installed (apt install prometheus)'}`,
    `topology   ${topologyPath}`,
    `logs       ${directory}/*/log`,
    '',
    'One node of Frankfurt records a seed, the other one hands it out:',
    `  npx siteswarm announce ${first} --info-hash ${hash} --port 6881 --from 127.1.1.5 --left 0`,
    `  npx siteswarm announce ${second} --info-hash ${hash} --port 6881 --from 127.1.2.7 --left 5`,
    'Ctrl-C stops everything and removes what it wrote.',
  ].join('\n')
}
