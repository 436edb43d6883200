/**
 * Unmodified clients on loopback addresses of their own, for tests of what a node observes: one libtorrent seed that
 * connects to the leechers itself, so that no tracker is needed. They end with the test.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { SeededRandom } from '../src/core/random.ts'

const execute = promisify(execFile)
export const CLIENT_PORT = 6881

export interface SmallTorrent {
  readonly path: string
  readonly infoHash: Buffer
  readonly pieces: number
  /** Directory with the content. */
  readonly source: string
}

const MAKE_TORRENT = `
import sys, libtorrent as lt
source, path, piece = sys.argv[1], sys.argv[2], int(sys.argv[3])
storage = lt.file_storage()
lt.add_files(storage, source + '/content.bin')
torrent = lt.create_torrent(storage, piece, flags=lt.create_torrent.v1_only)
torrent.set_priv(True)
torrent.add_tracker(sys.argv[4])
lt.set_piece_hashes(torrent, source)
open(path, 'wb').write(lt.bencode(torrent.generate()))
info = lt.torrent_info(path)
print(str(info.info_hash()), info.num_pieces())`

/** The number of pieces is not divisible by eight, so that the bitfields have spare bits. */
export async function aSmallTorrent(
  directory: string,
  bytes: number,
  tracker = 'http://127.0.0.1:9/announce',
): Promise<SmallTorrent> {
  const source = join(directory, 'source')
  const path = join(directory, 'content.torrent')
  await mkdir(source)
  const random = new SeededRandom(5)
  await writeFile(
    join(source, 'content.bin'),
    Uint8Array.from({ length: bytes }, () => random.below(256)),
  )
  const { stdout } = await execute('/usr/bin/python3', [
    '-W',
    'ignore',
    '-c',
    MAKE_TORRENT,
    source,
    path,
    '65536',
    tracker,
  ])
  const [hex = '', pieces = ''] = stdout.trim().split(' ')
  return { path, infoHash: Buffer.from(hex, 'hex'), pieces: Number(pieces), source }
}

/** The same torrent with the tracker of another site. */
export async function aTorrentFor(
  torrent: SmallTorrent,
  directory: string,
  url: string,
): Promise<SmallTorrent> {
  const bytes = (await readFile(torrent.path)).toString('latin1')
  const path = join(directory, 'content-elsewhere.torrent')
  const rewritten = bytes.replace(
    /^d8:announce\d+:http:\/\/[\d.]+:\d+\/announce/,
    `d8:announce${url.length}:${url}`,
  )
  await writeFile(path, rewritten, 'latin1')
  return { ...torrent, path }
}

export interface ClientStart {
  readonly torrent: string
  readonly directory: string
  readonly address: string
}

const SEED = `
import sys, time, threading, libtorrent as lt
torrent, directory, address, limit = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
session = lt.session({'listen_interfaces': address + ':6881', 'outgoing_interfaces': address, 'enable_dht': False,
  'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False, 'allow_multiple_connections_per_ip': True,
  'enable_outgoing_utp': False, 'out_enc_policy': 2})
parameters = lt.add_torrent_params()
parameters.ti, parameters.save_path = lt.torrent_info(torrent), directory
parameters.flags |= lt.torrent_flags.seed_mode
handle = session.add_torrent(parameters)
handle.set_upload_limit(limit)
leechers = set()
def read():
  for line in sys.stdin: leechers.add(line.strip())
threading.Thread(target=read, daemon=True).start()
while True:
  connected = set(peer.ip[0] for peer in handle.get_peer_info())
  for leecher in list(leechers):
    if leecher not in connected: handle.connect_peer((leecher, 6881))
  time.sleep(0.5)`

export interface Seed {
  readonly process: ChildProcess
  /** Connects to the leecher, again whenever the connection has ended. */
  serve(address: string): void
}

/** Uploads `bytesPerSecond` in total. */
export function startSeed({ torrent, directory, address }: ClientStart, bytesPerSecond: number): Seed {
  const child = spawn(
    '/usr/bin/python3',
    ['-W', 'ignore', '-c', SEED, torrent, directory, address, String(bytesPerSecond)],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  )
  ends(child)
  return { process: child, serve: (leecher) => void child.stdin.write(`${leecher}\n`) }
}

const LEECHER = `
import sys, time, libtorrent as lt
torrent, directory, address, extra = sys.argv[1:]
settings = {'listen_interfaces': address + ':6881', 'outgoing_interfaces': address, 'enable_dht': False,
  'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False}
if extra == 'encrypted': settings.update({'in_enc_policy': 0, 'out_enc_policy': 0})
session = lt.session(settings)
session.add_torrent({'ti': lt.torrent_info(torrent), 'save_path': directory})
time.sleep(600)`

export async function startLibtorrent(
  { torrent, directory, address }: ClientStart,
  extra: 'stock' | 'encrypted' = 'stock',
): Promise<ChildProcess> {
  await mkdir(directory, { recursive: true })
  const args = ['-W', 'ignore', '-c', LEECHER, torrent, directory, address, extra]
  return ends(spawn('/usr/bin/python3', args, { stdio: ['ignore', 'ignore', 'inherit'] }))
}

export async function startAria2(
  { torrent, directory, address }: ClientStart,
  extra: 'stock' | 'encrypted' = 'stock',
): Promise<ChildProcess> {
  await mkdir(directory, { recursive: true })
  const args = ['--no-conf', `--dir=${directory}`, `--interface=${address}`, `--listen-port=${CLIENT_PORT}`]
  args.push('--enable-dht=false', '--seed-ratio=0', '--file-allocation=none', '--quiet')
  if (extra === 'encrypted') args.push('--bt-force-encryption=true')
  args.push(torrent)
  return ends(spawn('aria2c', args, { stdio: 'ignore' }))
}

export async function startTransmission({ torrent, directory, address }: ClientStart): Promise<ChildProcess> {
  const state = join(directory, 'state')
  const watched = join(directory, 'watched')
  await mkdir(state, { recursive: true })
  await mkdir(watched)
  const settings = {
    'download-dir': directory,
    'bind-address-ipv4': address,
    'peer-port': CLIENT_PORT,
    'dht-enabled': false,
    'lpd-enabled': false,
    'utp-enabled': false,
    'port-forwarding-enabled': false,
    'rpc-enabled': false,
    'watch-dir': watched,
    'watch-dir-enabled': true,
  }
  await writeFile(join(state, 'settings.json'), JSON.stringify(settings))
  await execute('cp', [torrent, watched])
  return ends(spawn('transmission-daemon', ['--foreground', '--config-dir', state], { stdio: 'ignore' }))
}

export async function startRtorrent({ torrent, directory, address }: ClientStart): Promise<ChildProcess> {
  await mkdir(join(directory, 'session'), { recursive: true })
  const settings = join(directory, 'rtorrent.rc')
  await writeFile(
    settings,
    [
      'system.daemon.set = true',
      `directory.default.set = ${directory}`,
      `session.path.set = ${join(directory, 'session')}`,
      `network.bind_address.set = ${address}`,
      `network.port_range.set = ${CLIENT_PORT}-${CLIENT_PORT}`,
      'network.port_random.set = no',
      'dht.mode.set = disable',
      '',
    ].join('\n'),
  )
  return ends(spawn('rtorrent', ['-n', '-o', `import=${settings}`, torrent], { stdio: 'ignore' }))
}

const HOST_THAT_FALLS_SILENT = `
import socket, sys, time
address, hello = sys.argv[1], bytes.fromhex(sys.argv[2])
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((address, 6881))
listener.listen(0)
print('listening', flush=True)
if hello:
  accepted, _ = listener.accept()
  accepted.sendall(hello)
  sys.stdin.readline()
waiting = []
for _ in range(4):
  waiting.append(socket.socket())
  waiting[-1].setblocking(False)
  waiting[-1].connect_ex((address, 6881))
time.sleep(0.2)
print('silent', flush=True)
time.sleep(600)`

/**
 * A host that accepts one connection, on which it sends `hello`, and answers nothing after a line on its standard input,
 * as if its link were cut: its kernel drops each SYN, because the queue of its listener is full. Without `hello` it is
 * silent from the start, as behind a firewall that drops.
 */
export async function startSilentHost(address: string, hello: Buffer): Promise<ChildProcess> {
  const child = ends(
    spawn('/usr/bin/python3', ['-c', HOST_THAT_FALLS_SILENT, address, hello.toString('hex')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  await printed(child, hello.length > 0 ? 'listening' : 'silent')
  return child
}

function printed(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes(word)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the program ended with ${code}: ${output}`)))
  })
}

/** Resolves when the client accepts connections and has loaded its torrent, at which time it would announce. */
export async function isListening(address: string): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: address, port: CLIENT_PORT })
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    await new Promise((resolve) => setTimeout(resolve, isOpen ? 500 : 50))
    if (isOpen) return
  }
}

function ends<Child extends ChildProcess>(child: Child): Child {
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
