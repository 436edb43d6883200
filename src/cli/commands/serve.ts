/** `serve`: runs a node until it is stopped. */
import { availableParallelism } from 'node:os'
import { type LoadedNode, loadNode } from '../../config/load-node.ts'
import type { StartedNode } from '../../daemon/start.ts'
import { type Command, type CommandContext, type CommandFlags, exitCodes, textFlag } from '../command.ts'

/** More than the cores of any machine; a larger number is a typing error, and would exhaust the machine. */
const WORKERS_MAX = 256

export const serveCommand: Command = {
  examples: [
    'siteswarm serve',
    'siteswarm serve --config /etc/siteswarm/siteswarm.yaml',
    'siteswarm serve --config /etc/siteswarm/siteswarm.yaml --workers auto',
  ],
  flags: [
    { flags: '-c, --config <file>', description: 'node configuration (YAML)' },
    {
      flags: '--workers <number>',
      description: 'processes that share the ports: a number, or auto for one a core',
    },
  ],
  async run(_args, flags, context) {
    const workers = workersOf(flags)
    if (workers === undefined) {
      context.err(
        `serve: --workers is a number from 1 to ${WORKERS_MAX}, or auto; not ${JSON.stringify(flags['workers'])}`,
      )
      return exitCodes.usage
    }
    const path = textFlag(flags, 'config')
    const loaded = loadNode({ path, environment: context.environment })
    const { version, signal } = context
    // Before the start, which may take a while: without a handler, SIGHUP ends the process.
    const running: { node?: StartedNode } = {}
    const onHangUp = () => running.node?.reload()
    process.on('SIGHUP', onHangUp)
    // A node is most of the program: other commands do not load it.
    const { startNode } = await import('../../daemon/start.ts')
    const { startWorkers } = await import('../../daemon/start-workers.ts')
    const node =
      workers === 1
        ? await startNode(loaded, version)
        : await startWorkers(loaded, { workers, configPath: path, version, signal })
    if (node === undefined) return exitCodes.yes
    running.node = node

    const { http, admin } = node.addresses
    if (flags['json'] === true) context.out(JSON.stringify({ site: loaded.config.site, ...node.addresses }))
    else for (const line of greeting({ loaded, version, path, http, admin })) context.err(line)

    await (node.ended === undefined ? aborted(context) : Promise.race([aborted(context), node.ended]))
    process.off('SIGHUP', onHangUp)
    await node.stop()
    return exitCodes.yes
  },
}

/** undefined where it is neither a number nor `auto`. */
function workersOf(flags: CommandFlags): number | undefined {
  const text = textFlag(flags, 'workers') ?? '1'
  if (text === 'auto') return availableParallelism()
  const workers = /^\d{1,3}$/.test(text) ? Number(text) : 0
  return workers >= 1 && workers <= WORKERS_MAX ? workers : undefined
}

function aborted({ signal }: CommandContext): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

interface Started {
  readonly loaded: LoadedNode
  readonly version: string
  /** undefined for the quick start. */
  readonly path: string | undefined
  readonly http: string
  readonly admin: string
}

function greeting({ loaded, version, path, http, admin }: Started): string[] {
  const { config, topology } = loaded
  // A client cannot connect to a wildcard address.
  const here = `${http.replace(/\/\/(?:0\.0\.0\.0|\[::\]):/, '//127.0.0.1:')}/announce`
  const trackers = topology.siteNamed(config.site)?.trackers ?? []
  const running = [
    `siteswarm ${version} runs for site ${config.site}`,
    `  configuration ${path ?? 'of the quick start'}, topology ${config.topologyPath} (${topology.hash})`,
    `  clients announce to ${[...new Set([...trackers, here])].join(', ')}`,
    `  admin at ${admin}`,
  ]
  if (path !== undefined) return running
  const hash = '2bcb3dab253c7e8c9355b33f262efadd63005087'
  const announce = `  npx siteswarm announce ${here} --info-hash ${hash} --port 6881`
  return [
    ...running,
    'Try next, in another terminal (with SITESWARM_OBSERVE_CONNECTIONS=0, since these clients do not exist):',
    '  npx siteswarm locate 127.1.1.5 127.2.2.7',
    `${announce} --left 0 --from 127.1.1.5`,
    `${announce} --left 5 --from 127.2.1.5`,
    `  npx siteswarm explain ${hash} 127.2.1.5:6881`,
    `  curl '${admin}/readyz?verbose'`,
    'Ctrl-C stops the node; it restores its peers at the next start.',
  ]
}
