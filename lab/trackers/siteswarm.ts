/**
 * siteswarm, the built program as an operator runs it: one node for all sites, a topology file with the sites' prefixes,
 * and torrents rewritten for each site and bubble. All other settings keep their defaults.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeTorrent } from '../content.ts'
import { type LabShape, siteCidr, siteName, siteNumbers } from '../plan.ts'
import { endProgram, isRunning, startProgram } from '../processes.ts'
import { bubbleLines, linkLines, rewrittenTorrent } from './rewritten-torrent.ts'
import { type TrackerKind, announceUrl } from './tracker.ts'

export const siteswarm: TrackerKind = {
  name: 'siteswarm',
  summary: 'one node for all sites, as built in dist/',
  isSiteswarm: true,
  requires: (program) => [
    {
      program: 'siteswarm with its serve and rewrite commands',
      check: [
        'sh',
        '-c',
        `'${process.execPath}' '${program}' serve --help && '${process.execPath}' '${program}' rewrite --help`,
      ],
      install: `npm run build in ${dirname(dirname(program))}`,
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
      logPaths: [logPath],
      nodes: [{ name: 'node', site: 0, namespace: job.namespace, process: () => child }],
      observedAt: job.addresses[0] ?? '',
      get isRunning() {
        return child !== undefined && isRunning(child)
      },
      start: () => {
        child = startProgram(
          job.namespace,
          [process.execPath, job.program, 'serve', '--config', configuration],
          {
            directory: home,
            log: logPath,
            environment: job.environment(1),
          },
        )
        return Promise.resolve()
      },
      stop: async () => {
        if (child !== undefined) await endProgram(child, 'SIGTERM')
      },
      torrentFor: (host, content) =>
        rewrittenTorrent({ program: job.program, home, topology }, host, content),
    }
  },
}

function topologyFile(shape: LabShape, addresses: readonly string[]): string {
  const [first, ...others] = addresses.map(announceUrl)
  const sites = siteNumbers(shape).flatMap((site) => [
    `  ${siteName(site)}:`,
    `    cidrs: [${siteCidr(site)}]`,
    `    trackers: [${first}]`,
    ...bubbleLines(shape, site),
  ])
  const fallback = others.length === 0 ? [] : ['fallback:', `  trackers: [${others.join(', ')}]`]
  return ['sites:', ...sites, ...linkLines(shape), ...fallback, 'unmapped: refuse', ''].join('\n')
}
