/** rtorrent in daemon mode. Its completion event runs a command directly, without a hook script. */
import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startProgram } from '../processes.ts'
import type { ClientKind } from './client.ts'

export const rtorrent: ClientKind = {
  name: 'rtorrent',
  port: 6881,
  requires: [{ program: 'rtorrent', install: 'apt-get install rtorrent' }],
  settings: {
    stock: 'stock',
    tcp: 'the same: rtorrent does not implement uTP',
    unchecked: 'does not rehash a finished download, for which it closes all connections',
  },
  progress: (directory) => ({ kind: 'rtorrent', path: join(directory, 'scgi') }),
  prepare: async (job) => {
    const session = join(job.directory, 'session')
    await mkdir(session)
    const configuration = join(job.directory, 'rtorrent.rc')
    await writeFile(
      configuration,
      [
        'system.daemon.set = true',
        `directory.default.set = ${job.data}`,
        `session.path.set = ${session}`,
        `network.bind_address.set = ${job.host.address}`,
        'network.port_range.set = 6881-6881',
        'network.port_random.set = no',
        'dht.mode.set = disable',
        ...(job.isWatched ? [`network.scgi.open_local = ${join(job.directory, 'scgi')}`] : []),
        ...(job.settings === 'unchecked' ? ['pieces.hash.on_completion.set = no'] : []),
        `method.set_key = event.download.finished, lab_done, "execute.nothrow=touch,(cat,${job.done}/,(d.name))"`,
        '',
      ].join('\n'),
    )
    let child: ChildProcess | undefined
    return {
      process: () => child,
      start: () => {
        child = startProgram(
          job.host.name,
          ['rtorrent', '-n', '-o', `import=${configuration}`, ...job.torrentFiles],
          { directory: job.directory, log: join(job.directory, 'client.log') },
        )
        return Promise.resolve()
      },
    }
  },
}
