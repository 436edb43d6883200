/**
 * transmission-daemon. It runs before the start and adds torrents from a watched directory, so that no control traffic
 * crosses the measured network.
 */
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { startProgram } from '../processes.ts'
import { type ClientKind, writeDoneHook } from './client.ts'

const variants: Readonly<
  Record<string, { readonly summary: string; readonly settings: Readonly<Record<string, unknown>> }>
> = {
  tcp: { summary: 'stock, but without uTP', settings: { 'utp-enabled': false } },
  stock: { summary: 'stock, uTP included', settings: {} },
  'few-slots': {
    summary: 'tcp, with 4 upload slots instead of 14',
    settings: { 'utp-enabled': false, 'upload-slots-per-torrent': 4 },
  },
}

export const transmission: ClientKind = {
  name: 'transmission',
  port: 51413,
  requires: [{ program: 'transmission-daemon', install: 'apt-get install transmission-daemon' }],
  settings: Object.fromEntries(Object.entries(variants).map(([name, { summary }]) => [name, summary])),
  progress: () => ({ kind: 'transmission' }),
  prepare: async (job) => {
    const [state, watched] = [join(job.directory, 'state'), join(job.directory, 'watched')]
    await mkdir(state, { recursive: true })
    await mkdir(watched, { recursive: true })
    const settings = {
      'download-dir': job.data,
      'bind-address-ipv4': job.host.address,
      'peer-port': 51413,
      'dht-enabled': false,
      'lpd-enabled': false,
      'port-forwarding-enabled': false,
      'rpc-enabled': job.isWatched,
      'rpc-bind-address': '127.0.0.1',
      'watch-dir': watched,
      'watch-dir-enabled': true,
      'script-torrent-done-enabled': true,
      'script-torrent-done-filename': await writeDoneHook(job, '"$TR_TORRENT_NAME"'),
      ...variants[job.settings]?.settings,
    }
    await writeFile(join(state, 'settings.json'), JSON.stringify(settings))
    const child = startProgram(
      job.host.name,
      ['transmission-daemon', '--foreground', '--config-dir', state],
      {
        directory: job.directory,
        log: join(job.directory, 'client.log'),
      },
    )
    return {
      process: () => child,
      start: async () => {
        for (const file of job.torrentFiles) {
          // Renamed when complete, because the directory is watched for new names.
          const [partial, complete] = [join(job.directory, basename(file)), join(watched, basename(file))]
          await copyFile(file, partial)
          await rename(partial, complete)
        }
      },
    }
  },
}
