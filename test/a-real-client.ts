/**
 * Unmodified clients that download one torrent each, from a loopback address of their own; they seed until the test
 * that started them ends.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { freePort } from './a-node.ts'

export interface ClientStart {
  readonly torrent: string
  readonly directory: string
  readonly address: string
}

/** Resolves when the download is complete. */
type Client = (start: ClientStart) => Promise<void>

const LIBTORRENT = `
import sys, time, libtorrent as lt
torrent, directory, address = sys.argv[1:]
session = lt.session({'listen_interfaces': address + ':6881', 'outgoing_interfaces': address, 'enable_dht': False,
  'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False})
handle = session.add_torrent({'ti': lt.torrent_info(torrent), 'save_path': directory})
while not handle.status().is_seeding: time.sleep(0.05)
print('complete', flush=True)
time.sleep(600)`

export const libtorrent: Client = async ({ torrent, directory, address }) => {
  mkdirSync(directory, { recursive: true })
  const args = ['-W', 'ignore', '-c', LIBTORRENT, torrent, directory, address]
  await said('complete', spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'inherit'] }))
}

export const aria2: Client = async ({ torrent, directory, address }) => {
  mkdirSync(directory, { recursive: true })
  const args = [
    '--no-conf',
    `--dir=${directory}`,
    `--interface=${address}`,
    `--listen-port=${await freePort()}`,
    '--enable-dht=false',
    // Without it, aria2 exits as soon as it has uploaded one copy.
    '--seed-ratio=0',
    '--quiet',
    // Run when the download is complete, with the path of the file as its last argument.
    '--on-bt-download-complete=echo',
    torrent,
  ]
  await said(directory, spawn('aria2c', args, { stdio: ['ignore', 'pipe', 'inherit'] }))
}

/** Its web seed requests come from the address, too. */
export const transmission: Client = async ({ torrent, directory, address }) => {
  mkdirSync(directory, { recursive: true })
  const state = `${directory}.transmission`
  mkdirSync(state, { recursive: true })
  const settings = {
    'bind-address-ipv4': address,
    'dht-enabled': false,
    'download-dir': directory,
    'lpd-enabled': false,
    'peer-port': await freePort(),
    'port-forwarding-enabled': false,
    'rpc-enabled': false,
    'watch-dir': state,
    'watch-dir-enabled': true,
  }
  writeFileSync(join(state, 'settings.json'), JSON.stringify(settings))
  copyFileSync(torrent, join(state, 'watched.torrent'))
  const args = ['--foreground', '--log-info', '--config-dir', state]
  await said(
    'to "Complete"',
    spawn('/bin/sh', ['-c', 'exec transmission-daemon "$@" 2>&1', 'sh', ...args], PIPED),
  )
}

const PIPED = { stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'] }

function said(word: string, child: ChildProcessByStdio<null, Readable, null>): Promise<void> {
  onTestFinished(() => void child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes(word)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the client ended with ${code}:\n${output}`)))
  })
}
