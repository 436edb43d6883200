/** `serve`: runs a node until it is told to stop. */
import { loadNode } from '../../config/load-node.ts'
import { type StartedNode, startNode } from '../../daemon/start.ts'
import { type Command, exitCodes, textFlag } from '../command.ts'

export const serveCommand: Command = {
  name: 'serve',
  arguments: '',
  summary: 'Run a node. Without --config: the quick start, one node with the sample topology.',
  examples: ['siteswarm serve', 'siteswarm serve --config /etc/siteswarm/siteswarm.yaml'],
  flags: [{ flags: '-c, --config <file>', description: 'node configuration (YAML)' }],
  async run(_args, flags, context) {
    const path = textFlag(flags, 'config')
    const loaded = loadNode({ path, environment: context.environment })
    // Before the start, which may take a while: a hang-up that nobody handles ends the process.
    const running: { node?: StartedNode } = {}
    const onHangUp = () => running.node?.reload()
    process.on('SIGHUP', onHangUp)
    const node = await startNode(loaded, context.version)
    running.node = node

    const { http, admin } = node.addresses
    if (flags['json'] === true) context.out(JSON.stringify({ site: loaded.config.site, ...node.addresses }))
    else for (const line of greeting(loaded.config.site, http, admin, path === undefined)) context.err(line)

    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve()
      else context.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    process.off('SIGHUP', onHangUp)
    await node.stop()
    return exitCodes.yes
  },
}

function greeting(site: string, http: string, admin: string, isQuickStart: boolean): string[] {
  const running = [`siteswarm runs for site ${site}: announce to ${http}/announce, admin at ${admin}`]
  if (!isQuickStart) return running
  const hash = '2bcb3dab253c7e8c9355b33f262efadd63005087'
  // Listening everywhere is no address to connect to; the sample topology is about this machine.
  const tracker = `${http.replace(/\/\/(?:0\.0\.0\.0|\[::\]):/, '//127.0.0.1:')}/announce`
  const announce = `  npx siteswarm announce ${tracker} --info-hash ${hash} --port 6881`
  return [
    ...running,
    'Try next, in another terminal:',
    '  npx siteswarm locate 127.1.1.5 127.2.2.7',
    `${announce} --left 0 --from 127.1.1.5`,
    `${announce} --left 5 --from 127.2.1.5`,
    `  npx siteswarm explain ${hash} 127.2.1.5:6881`,
    `  curl '${admin}/readyz?verbose'`,
    'Ctrl-C stops the node; the peers it knows are there again after the next start.',
  ]
}
