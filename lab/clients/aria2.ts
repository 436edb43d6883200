/**
 * aria2. As shipped it stops seeding once it has uploaded as much as it downloaded, which would end a host in the
 * middle of a run; a host of a rollout keeps its file, so here it goes on.
 */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { startProgram } from '../processes.ts'
import { type ClientKind, writeDoneHook } from './client.ts'

export const aria2: ClientKind = {
  name: 'aria2',
  needs: [{ program: 'aria2c', install: 'aria2' }],
  settings: {
    stock: 'as shipped, but it goes on seeding, and without DHT',
    tcp: 'the same: aria2 knows no uTP',
    eager: 'it asks the tracker every 10 s, whatever it is told',
  },
  prepare: async (job) => {
    // The hook's arguments: the download's id, its number of files, the path of the first.
    const hook = await writeDoneHook(job, '"$(basename "$3")"')
    let child: ChildProcess | undefined
    return {
      process: () => child,
      go: () => {
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
            // The disk is memory: reserving the file first would only write it twice.
            '--file-allocation=none',
            '--console-log-level=warn',
            '--summary-interval=0',
            '--show-console-readout=false',
            `--on-bt-download-complete=${hook}`,
            ...(job.settings === 'eager' ? ['--bt-tracker-interval=10'] : []),
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
