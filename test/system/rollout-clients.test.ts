/** A rollout to real clients: progress, time left and late hosts against the clients' own progress. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { RolloutInFull } from '../../src/cli/rollout-lines.ts'
import { runCommand } from '../a-command-run.ts'
import { aDirectory, aNode } from '../a-node.ts'
import { needs } from '../setup/needs.ts'

const SIZE_BYTES = 24_000_000
const RATE = 800_000
const SLOW_RATE = 300_000

/** Downloads at most at `rate`, and prints when it is complete. */
const CLIENT = `
import sys, time, libtorrent as lt
torrent, directory, address, rate, seed = sys.argv[1:]
session = lt.session({'listen_interfaces': address + ':6881', 'outgoing_interfaces': address, 'enable_dht': False,
  'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False, 'allow_multiple_connections_per_ip': False})
parameters = {'ti': lt.torrent_info(torrent), 'save_path': directory}
if seed == 'seed': parameters['flags'] = lt.torrent_flags.seed_mode
handle = session.add_torrent(parameters)
handle.set_download_limit(int(rate))
while not handle.status().is_seeding: time.sleep(0.05)
print('complete', flush=True)
time.sleep(600)`

test.skipIf(needs('libtorrent'))(
  'a rollout states the time left within a third from a quarter of the way on, and names a slow and a stopped host',
  async () => {
    const node = await aNode({ isObserving: true, more: 'interval: { min: 1s, max: 2s }\n' })
    const directory = await aDirectory()
    await writeFile(join(directory, 'image.bin'), randomBytes(SIZE_BYTES))
    const torrent = join(directory, 'image.torrent')
    const published = await runCommand([
      'publish',
      join(directory, 'image.bin'),
      '--url',
      node.adminUrl,
      '--json',
    ])
    expect(published.exitCode).toBe(0)
    const { infoHashV1: infoHash, sites } = JSON.parse(published.out) as {
      infoHashV1: string
      sites: { site: string; torrentUrl: string }[]
    }
    const url = sites.find(({ site }) => site === 'fra')?.torrentUrl ?? ''
    const [response] = (await once(get(url, { localAddress: '127.1.0.1' }), 'response')) as [IncomingMessage]
    await writeFile(torrent, await buffer(response))

    const startedMs = Date.now()
    const doneMs = new Map<string, number>()
    const start = async (address: string, rate: number, isSeed = false) => {
      const folder = isSeed ? directory : join(directory, address)
      await mkdir(folder, { recursive: true })
      const args = [
        '-W',
        'ignore',
        '-c',
        CLIENT,
        torrent,
        folder,
        address,
        String(rate),
        isSeed ? 'seed' : 'leech',
      ]
      const child = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'inherit'] })
      onTestFinished(() => void child.kill('SIGKILL'))
      const complete = new Promise<void>((resolve) => {
        createInterface(child.stdout).once('line', () => {
          doneMs.set(address, Date.now())
          resolve()
        })
      })
      return { child, complete }
    }
    const source = await start('127.1.0.1', 0, true)
    await source.complete
    const hosts = await Promise.all(
      ['127.2.0.1', '127.2.0.2', '127.2.0.3', '127.2.0.4'].map((address) => start(address, RATE)),
    )
    const slow = await start('127.2.0.9', SLOW_RATE)
    const killed = await start('127.2.0.8', RATE)
    setTimeout(() => killed.child.kill('SIGKILL'), 10_000)

    const read = async () =>
      (await (await node.admin(`/api/v1/rollouts/${infoHash}`)).json()) as RolloutInFull
    const samples: { readonly atMs: number; readonly etaSeconds: number | null }[] = []
    const reasons = new Map<string, string>()
    const ended = new AbortController()
    const all = Promise.all([...hosts, slow].map(({ complete }) => complete)).then(() => ended.abort())
    while (!ended.signal.aborted) {
      const { etaSeconds, sites: shown } = await read()
      samples.push({ atMs: Date.now(), etaSeconds })
      for (const { stragglers } of shown)
        for (const { address, reason } of stragglers) reasons.set(address, reason)
      await delay(1_000)
    }
    await all
    const endMs = Math.max(...doneMs.values())
    const quarterMs = startedMs + (endMs - startedMs) / 4
    // In the last seconds, a third is less than the interval of the measurement.
    const judged = samples.filter(({ atMs }) => atMs >= quarterMs && endMs - atMs >= 6_000)
    const right = judged.filter(({ atMs, etaSeconds }) => {
      const left = (endMs - atMs) / 1000
      return etaSeconds !== null && Math.abs(etaSeconds - left) <= left / 3
    })
    const text = judged
      .map(({ atMs, etaSeconds }) => `${Math.round((endMs - atMs) / 1000)}:${etaSeconds}`)
      .join(' ')
    expect(judged.length).toBeGreaterThan(10)
    expect({ share: right.length / judged.length > 0.8, text }).toMatchObject({ share: true })
    expect(reasons.get('127.2.0.8')).toBe('gone')
    expect(reasons.get('127.2.0.9')).toBe('slow')
    const last = await read()
    expect(last.hosts).toMatchObject({ seen: 6, complete: 5 })
  },
  180_000,
)
