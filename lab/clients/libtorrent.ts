/**
 * libtorrent-rasterbar, one Python process per host (`libtorrent-client.py`). It is the library inside qBittorrent
 * and Deluge. Starting Python takes longer than the first pieces, so the process waits for a word before it begins.
 */
import { join } from 'node:path'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { startProgram } from '../processes.ts'
import { repositoryPath } from '../repository.ts'
import type { ClientKind } from './client.ts'

/** Debian's interpreter: the module is a package of the distribution, not of any virtual environment. */
const PYTHON = '/usr/bin/python3'

const variants: Readonly<
  Record<string, { readonly says: string; readonly settings: Readonly<Record<string, unknown>> }>
> = {
  tcp: {
    says: 'as shipped, but without uTP: a congestion control in user space for every host is more than a few cores can do',
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false },
  },
  stock: { says: 'as shipped, uTP included', settings: {} },
  keep: {
    says: 'tcp, and connections between two complete peers stay',
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false, close_redundant_connections: false },
  },
  eager: {
    says: 'tcp, and it asks the tracker again after 5 s instead of 300 s at the earliest',
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false, min_announce_interval: 5 },
  },
  'few-wanted': {
    says: 'tcp, and it asks the tracker for 10 peers instead of 200',
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false, num_want: 10 },
  },
  'all-tiers': {
    says: 'tcp, and it announces to every tier at once, as qBittorrent does',
    // The binding has the names of "all tiers" and "all trackers" swapped.
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false, announce_to_all_trackers: true },
  },
}

export const libtorrent: ClientKind = {
  name: 'libtorrent',
  needs: [
    {
      program: 'libtorrent for Python',
      check: [PYTHON, '-c', 'import libtorrent'],
      install: 'python3-libtorrent',
    },
  ],
  settings: Object.fromEntries(Object.entries(variants).map(([name, { says }]) => [name, says])),
  prepare: async (job) => {
    const order = {
      address: job.host.address,
      torrents: job.torrentFiles,
      data: job.data,
      done: job.done,
      isSource: job.isSource,
      settings: variants[job.settings]?.settings ?? {},
    }
    const script = repositoryPath('lab/clients/libtorrent-client.py')
    const child = startProgram(job.host.name, [PYTHON, script, JSON.stringify(order)], {
      directory: job.directory,
      log: join(job.directory, 'client.log'),
      talks: true,
    })
    // The first line says that the session listens.
    await once(createInterface({ input: child.stdout! }), 'line')
    return {
      process: () => child,
      go: () => {
        child.stdin!.write('go\n')
        return Promise.resolve()
      },
    }
  },
}
