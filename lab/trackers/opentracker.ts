/**
 * opentracker, the topology-blind reference. Debian's build serves only listed torrents, from a file with one infohash on
 * each line. It changes its root directory before it reads the file, and drops root privileges, which only a real root
 * can do.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeTorrent } from '../content.ts'
import { endProgram, isRunning, startProgram } from '../processes.ts'
import { type TrackerKind, announceUrl } from './tracker.ts'

export const opentracker: TrackerKind = {
  name: 'opentracker',
  summary: 'topology-blind; the reference',
  isSiteswarm: false,
  requires: () => [
    {
      program: 'opentracker, as root',
      check: ['sh', '-c', 'command -v opentracker && [ "$(id -u)" = 0 ]'],
      install: 'apt-get install opentracker',
    },
  ],
  open: async (job) => {
    const home = join(job.directory, 'opentracker')
    await mkdir(home, { mode: 0o755 })
    const hashes = job.contents.map((content) => content.infoHash.toString('hex'))
    await writeFile(join(home, 'whitelist'), `${hashes.join('\n')}\n`)
    const written = new Map<string, string>()
    const logPath = join(job.directory, 'opentracker.log')
    let child: ChildProcess | undefined
    return {
      logPaths: [logPath],
      observedAt: job.addresses[0] ?? '',
      get isRunning() {
        return child !== undefined && isRunning(child)
      },
      start: () => {
        child = startProgram(
          job.namespace,
          ['opentracker', '-p', '6969', '-P', '6969', '-d', home, '-w', 'whitelist'],
          {
            directory: home,
            log: logPath,
          },
        )
        return Promise.resolve()
      },
      stop: async () => {
        if (child !== undefined) await endProgram(child, 'SIGTERM')
      },
      torrentFor: async (_host, content) => {
        const path = written.get(content.name) ?? join(home, `${content.name}.torrent`)
        if (!written.has(content.name)) {
          written.set(content.name, path)
          await writeTorrent(path, content, job.addresses.map(announceUrl))
        }
        return path
      },
    }
  },
}
