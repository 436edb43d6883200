/**
 * aria2. With stock settings it stops seeding at a ratio of 1.0, which would end a host in the middle of a run; a host of
 * a rollout keeps its file, so here it continues to seed.
 */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { startProgram } from '../processes.ts'
import { type ClientKind, writeDoneHook } from './client.ts'

export const aria2: ClientKind = {
  name: 'aria2',
  port: 6881,
  requires: [{ program: 'aria2c', install: 'apt-get install aria2' }],
  settings: {
    stock: 'stock, but without a seed ratio and without DHT',
    tcp: 'the same: aria2 does not implement uTP',
    eager: 'announces every 10 s, independent of the interval that the tracker returns',
  },
  progress: () => ({ kind: 'aria2' }),
  prepare: async (job) => {
    // Arguments of the hook: download id, number of files, path of the first file.
    const hook = await writeDoneHook(job, '"$(basename "$3")"')
    let child: ChildProcess | undefined
    return {
      process: () => child,
      start: () => {
        child = startProgram(
          job.host.name,
          [
            'aria2c',
            '--no-conf',
            `--dir=${job.data}`,
            '--listen-port=6881',
            '--enable-dht=false',
            '--enable-dht6=false',
            '--seed-ratio=0.0',
            // The disk is memory: preallocation would only write the file twice.
            '--file-allocation=none',
            '--console-log-level=warn',
            '--summary-interval=0',
            '--show-console-readout=false',
            `--on-bt-download-complete=${hook}`,
            ...(job.settings === 'eager' ? ['--bt-tracker-interval=10'] : []),
            ...(job.isWatched ? ['--enable-rpc', '--rpc-listen-port=6800'] : []),
            ...(job.isSource ? ['--check-integrity=true'] : []),
            ...job.torrentFiles,
          ],
          { directory: job.directory, log: join(job.directory, 'client.log') },
        )
        return Promise.resolve()
      },
    }
  },
}
