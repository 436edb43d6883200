/**
 * qbittorrent-nox. It runs before the start; a control process in the host's namespace adds the torrents over the Web API
 * on loopback, which the measured network does not carry.
 */
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startProgram } from '../processes.ts'
import type { ControlInstructions } from '../qbittorrent-control.ts'
import { repositoryPath } from '../repository.ts'
import { type ClientKind, writeDoneHook } from './client.ts'

const PORT = 6881
const WEB_PORT = 8080

const variants: Readonly<Record<string, { readonly summary: string; readonly lines: readonly string[] }>> = {
  tcp: { summary: 'stock, but without uTP', lines: ['Session\\BTProtocol=TCP'] },
  stock: { summary: 'stock, uTP included', lines: [] },
}

export const qbittorrent: ClientKind = {
  name: 'qbittorrent',
  port: PORT,
  requires: [{ program: 'qbittorrent-nox', install: 'apt-get install qbittorrent-nox' }],
  settings: Object.fromEntries(Object.entries(variants).map(([name, { summary }]) => [name, summary])),
  progress: () => ({ kind: 'qbittorrent' }),
  prepare: async (job) => {
    const log = join(job.directory, 'client.log')
    const configuration = join(job.directory, 'profile', 'qBittorrent', 'config')
    await mkdir(configuration, { recursive: true })
    await writeFile(
      join(configuration, 'qBittorrent.conf'),
      [
        '[LegalNotice]',
        'Accepted=true',
        '[Preferences]',
        'WebUI\\Address=127.0.0.1',
        `WebUI\\Port=${WEB_PORT}`,
        'WebUI\\LocalHostAuth=false',
        '[BitTorrent]',
        `Session\\DefaultSavePath=${job.data}`,
        `Session\\Port=${PORT}`,
        'Session\\DHTEnabled=false',
        'Session\\LSDEnabled=false',
        ...(variants[job.settings]?.lines ?? []),
        '[Network]',
        'PortForwardingEnabled=false',
        '[AutoRun]',
        'enabled=true',
        `program=${await writeDoneHook(job, '"$1"')} %N`,
        '',
      ].join('\n'),
    )
    const client = startProgram(
      job.host.name,
      ['qbittorrent-nox', `--profile=${join(job.directory, 'profile')}`],
      { directory: job.directory, log },
    )
    const instructions: ControlInstructions = {
      api: `http://127.0.0.1:${WEB_PORT}/api/v2`,
      torrents: job.torrentFiles,
      skipsChecking: job.isSource,
    }
    const script = repositoryPath('dist-lab/lab/qbittorrent-control.js')
    const control = startProgram(job.host.name, [process.execPath, script, JSON.stringify(instructions)], {
      directory: job.directory,
      log,
      isPiped: true,
    })
    // The first line is printed when the Web API answers.
    await once(createInterface({ input: control.stdout! }), 'line')
    return {
      process: () => client,
      start: () => {
        control.stdin!.write('go\n')
        return Promise.resolve()
      },
    }
  },
}
