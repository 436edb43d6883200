/**
 * libtorrent-rasterbar, one Python process for each host (`libtorrent-client.py`). It is the library of qBittorrent and
 * Deluge. Starting Python takes longer than the first pieces, so the process starts early and waits for a line on its
 * standard input.
 */
import { join } from 'node:path'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { startProgram } from '../processes.ts'
import { repositoryPath } from '../repository.ts'
import type { ProgramRequirement } from '../requirement.ts'
import type { ClientJob, ClientKind, RunningClient } from './client.ts'
import { environmentPython, makeEnvironment } from './python-environment.ts'

/** Debian's interpreter: the module is a Debian package. */
const PYTHON = '/usr/bin/python3'

const variants: Readonly<
  Record<string, { readonly summary: string; readonly settings: Readonly<Record<string, unknown>> }>
> = {
  tcp: {
    summary: 'stock, but without uTP, whose congestion control in user space needs more than a few cores',
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false },
  },
  stock: { summary: 'stock, uTP included', settings: {} },
  keep: {
    summary: 'tcp, without closing connections between two seeds',
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false, close_redundant_connections: false },
  },
  eager: {
    summary: 'tcp, with a minimum announce interval of 5 s instead of 300 s',
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false, min_announce_interval: 5 },
  },
  'few-wanted': {
    summary: 'tcp, with numwant 10 instead of 200',
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false, num_want: 10 },
  },
  'all-tiers': {
    summary: 'tcp, and announces to every tier at once, as qBittorrent does',
    // The Python binding has the names of "all tiers" and "all trackers" swapped.
    settings: { enable_outgoing_utp: false, enable_incoming_utp: false, announce_to_all_trackers: true },
  },
}

export const libtorrent = libtorrentKind('libtorrent', PYTHON, {
  program: 'libtorrent for Python',
  check: [PYTHON, '-c', 'import libtorrent'],
  install: 'apt-get install python3-libtorrent',
})

/** libtorrent 2.1 is not in Debian 12; its wheel is installed into a virtual environment at the first use. */
export const libtorrent21 = libtorrentKind('libtorrent-2.1', environmentPython('libtorrent-2.1'), {
  program: 'libtorrent 2.1 for Python',
  check: [environmentPython('libtorrent-2.1'), '-c', 'import libtorrent'],
  install: 'apt-get install python3-venv, and a package index that pip can reach',
  fetch: () => makeEnvironment(PYTHON, 'libtorrent-2.1', 'libtorrent==2.1.*'),
})

function libtorrentKind(name: string, python: string, requirement: ProgramRequirement): ClientKind {
  return {
    name,
    port: 6881,
    requires: [requirement],
    settings: Object.fromEntries(
      Object.entries(variants).map(([variant, { summary }]) => [variant, summary]),
    ),
    progress: (directory) => ({ kind: 'libtorrent', path: progressPath(directory) }),
    prepare: (job) => prepareSession(job, python),
  }
}

const progressPath = (directory: string) => join(directory, 'progress.json')

async function prepareSession(job: ClientJob, python: string): Promise<RunningClient> {
  const instructions = {
    address: job.host.address,
    torrents: job.torrentFiles,
    data: job.data,
    done: job.done,
    isSource: job.isSource,
    ...(job.isWatched ? { progress: progressPath(job.directory) } : {}),
    settings: variants[job.settings]?.settings ?? {},
  }
  const script = repositoryPath('lab/clients/libtorrent-client.py')
  const child = startProgram(job.host.name, [python, script, JSON.stringify(instructions)], {
    directory: job.directory,
    log: join(job.directory, 'client.log'),
    isPiped: true,
  })
  // The first line is printed when the session listens.
  await once(createInterface({ input: child.stdout! }), 'line')
  return {
    process: () => child,
    start: () => {
      child.stdin!.write('go\n')
      return Promise.resolve()
    },
  }
}
