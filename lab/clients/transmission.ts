/**
 * transmission-daemon: it runs before the start and picks its torrents up from a watched directory, so nothing has to
 * be asked of it over the network that is being measured.
 */
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { startProgram } from '../processes.ts'
import { type ClientKind, writeDoneHook } from './client.ts'

const variants: Readonly<
  Record<string, { readonly says: string; readonly settings: Readonly<Record<string, unknown>> }>
> = {
  tcp: { says: 'as shipped, but without uTP', settings: { 'utp-enabled': false } },
  stock: { says: 'as shipped, uTP included', settings: {} },
  'few-slots': {
    says: 'tcp, and it lets 4 peers download at the same time instead of 14',
    settings: { 'utp-enabled': false, 'upload-slots-per-torrent': 4 },
  },
}

export const transmission: ClientKind = {
  name: 'transmission',
  needs: [{ program: 'transmission-daemon', install: 'transmission-daemon' }],
  settings: Object.fromEntries(Object.entries(variants).map(([name, { says }]) => [name, says])),
  prepare: async (job) => {
    const [state, watched] = [join(job.directory, 'state'), join(job.directory, 'watched')]
    await mkdir(state)
    await mkdir(watched)
    const settings = {
      'download-dir': job.data,
      'bind-address-ipv4': job.host.address,
      'peer-port': 51413,
      'dht-enabled': false,
      'lpd-enabled': false,
      'port-forwarding-enabled': false,
      'rpc-enabled': false,
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
      go: async () => {
        for (const file of job.torrentFiles) {
          // Complete before it is seen: the directory is watched for names.
          const [aside, seen] = [join(job.directory, basename(file)), join(watched, basename(file))]
          await copyFile(file, aside)
          await rename(aside, seen)
        }
      },
    }
  },
}
