/**
 * siteswarm, the built program as an operator runs it: one node for all sites, told by a topology file who is where,
 * and torrents rewritten for each site and bubble. Everything it is not told stays at its default.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { writeTorrent } from '../content.ts'
import { type LabShape, bubbleCidr, bubbleName, siteCidr, siteName, siteNumbers } from '../plan.ts'
import { endProgram, isRunning, startProgram } from '../processes.ts'
import { repositoryPath } from '../repository.ts'
import { type TrackerKind, announceUrl } from './tracker.ts'

const execute = promisify(execFile)
const program = repositoryPath('dist/main.js')

export const siteswarm: TrackerKind = {
  name: 'siteswarm',
  summary: 'one node for all sites, as built in dist/',
  needs: [
    {
      program: 'siteswarm with its serve and rewrite commands',
      check: [
        'sh',
        '-c',
        `'${process.execPath}' '${program}' serve --help && '${process.execPath}' '${program}' rewrite --help`,
      ],
      install: 'npm run build',
    },
  ],
  open: async (job) => {
    const home = join(job.directory, 'siteswarm')
    await mkdir(home)
    const [configuration, topology] = [join(home, 'siteswarm.yaml'), join(home, 'topology.yaml')]
    await writeFile(topology, topologyFile(job.shape, job.addresses))
    await writeFile(
      configuration,
      [
        'site: s1',
        'topology: ./topology.yaml',
        'listen: { http: "0.0.0.0:6969", udp: "0.0.0.0:6969", admin: "127.0.0.1:6970" }',
        '',
      ].join('\n'),
    )
    for (const content of job.contents) {
      await writeTorrent(join(home, `${content.name}.torrent`), content, job.addresses.map(announceUrl))
    }
    const logPath = join(job.directory, 'siteswarm.log')
    let child: ChildProcess | undefined
    return {
      logPath,
      observedAt: job.addresses[0] ?? '',
      get isRunning() {
        return child !== undefined && isRunning(child)
      },
      start: () => {
        child = startProgram(job.namespace, [process.execPath, program, 'serve', '--config', configuration], {
          directory: home,
          log: logPath,
        })
        return Promise.resolve()
      },
      stop: async () => {
        if (child !== undefined) await endProgram(child, 'SIGTERM')
      },
      torrentFor: async (host, content) => {
        const [site, bubble] = [siteName(host.site), bubbleName(host.bubble)]
        const path = join(home, `${content.name}-${site}-${bubble}.torrent`)
        if (existsSync(path)) return path
        const flags = ['--site', site, '--bubble', bubble, '--topology', topology, '-o', path]
        await execute(process.execPath, [program, 'rewrite', join(home, `${content.name}.torrent`), ...flags])
        return path
      },
    }
  },
}

function topologyFile(shape: LabShape, addresses: readonly string[]): string {
  const [first, ...others] = addresses.map(announceUrl)
  const sites = siteNumbers(shape).flatMap((site) => [
    `  ${siteName(site)}:`,
    `    cidrs: [${siteCidr(site)}]`,
    `    trackers: [${first}]`,
    '    bubbles:',
    ...Array.from(
      { length: shape.bubbles },
      (_, index) => `      ${bubbleName(index + 1)}: { cidrs: [${bubbleCidr(site, index + 1)}] }`,
    ),
  ])
  const fallback = others.length === 0 ? [] : ['fallback:', `  trackers: [${others.join(', ')}]`]
  return ['sites:', ...sites, ...fallback, 'unmapped: refuse', ''].join('\n')
}
