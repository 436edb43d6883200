/** Unmodified clients that announce to the UDP listener of a complete tracker, each from its own loopback address. */
import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AnnounceRequest } from '../../src/core/announce.ts'
import { systemClock } from '../../src/core/clock.ts'
import { systemSecret } from '../../src/core/random.ts'
import { UdpServer } from '../../src/server/udp/udp-server.ts'
import type { Tracker } from '../../src/tracker/tracker.ts'
import { aDirectory, freePort } from '../a-node.ts'
import { aTracker } from '../a-tracker.ts'
import { needs } from '../setup/needs.ts'

const HASH = '2bcb3dab253c7e8c9355b33f262efadd63005087'

/** A tracker with a seed at 127.1.1.5:6881 that records every announce over UDP. */
async function serving() {
  const built = aTracker()
  built.announce('127.1.1.5', { torrent: Buffer.from(HASH, 'hex'), left: 0 })
  const announces: { readonly from: string; readonly request: AnnounceRequest }[] = []
  let wake: () => void = () => undefined
  const tracker: Pick<Tracker, 'announce' | 'scrape'> = {
    announce: (request, from, protocol) => {
      announces.push({ from: from.toString(), request })
      wake()
      return built.tracker.announce(request, from, protocol)
    },
    scrape: (infoHashes, from) => built.tracker.scrape(infoHashes, from),
  }
  const secret = systemSecret()
  const server = new UdpServer({
    tracker,
    secrets: { current: () => [secret] },
    clock: systemClock,
    onRefusal: (code) => expect.unreachable(code),
    log: { error: (fields) => expect.unreachable(String(fields['err'])) },
  })
  const port = await server.start({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.stop(1_000))
  const announced = async (event: string) => {
    while (!announces.some(({ request }) => request.event === event)) {
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return { url: `udp://127.0.0.1:${port}/announce`, announces, announced, drops: () => server.drops }
}

/** Announces, prints the number of peers in the response, stops, and ends. */
const LIBTORRENT = `
import json, sys, time, libtorrent as lt
url, address, port, folder, info_hash = sys.argv[1:]
session = lt.session({'listen_interfaces': f'{address}:{port}', 'enable_dht': False, 'enable_lsd': False,
  'enable_upnp': False, 'enable_natpmp': False, 'alert_mask': lt.alert.category_t.all_categories})
torrent = lt.parse_magnet_uri('magnet:?xt=urn:btih:' + info_hash)
torrent.trackers = [url]
torrent.save_path = folder
handle = session.add_torrent(torrent)
deadline = time.time() + 20
while time.time() < deadline:
  session.wait_for_alert(500)
  for alert in session.pop_alerts():
    if isinstance(alert, lt.tracker_error_alert):
      print(json.dumps({'error': alert.message()}))
      sys.exit()
    if isinstance(alert, lt.tracker_reply_alert):
      print(json.dumps({'peers': alert.num_peers}))
      session.remove_torrent(handle)
      time.sleep(1)
      sys.exit()`

describe.skipIf(needs('libtorrent'))('libtorrent', () => {
  it('is handed out a peer over UDP, and announces its stop', async () => {
    const { url, announces, announced, drops } = await serving()
    const port = await freePort()
    const { stdout } = await promisify(execFile)('/usr/bin/python3', [
      '-W',
      'ignore',
      '-c',
      LIBTORRENT,
      url,
      '127.1.1.6',
      String(port),
      await aDirectory(),
      HASH,
    ])
    expect(JSON.parse(stdout)).toEqual({ peers: 1 })
    await announced('stopped')
    const [first] = announces
    expect(first).toMatchObject({
      from: '127.1.1.6',
      request: {
        infoHash: Buffer.from(HASH, 'hex'),
        port,
        leftBytes: 16_384,
        event: 'started',
        urlData: Buffer.from('/announce'),
      },
    })
    expect(drops()).toEqual({ unreadable: 0, unproven: 0, limited: 0, unsent: 0 })
  })
})

describe.skipIf(needs('aria2c'))('aria2', () => {
  it('announces over UDP from its own address and port', async () => {
    const { url, announces, announced, drops } = await serving()
    const directory = await aDirectory()
    const port = await freePort()
    const child = spawn('aria2c', [
      `--dir=${directory}`,
      '--interface=127.1.1.6',
      `--listen-port=${port}`,
      // Without DHT it has no UDP socket for trackers. It finds no DHT node.
      `--dht-listen-port=${port}`,
      `--dht-file-path=${join(directory, 'dht.dat')}`,
      '--no-conf',
      '--quiet',
      `magnet:?xt=urn:btih:${HASH}&tr=${encodeURIComponent(url)}`,
    ])
    onTestFinished(() => void child.kill('SIGKILL'))
    await announced('started')
    expect(announces[0]).toMatchObject({
      from: '127.1.1.6',
      request: { infoHash: Buffer.from(HASH, 'hex'), port, event: 'started', key: Buffer.alloc(0) },
    })
    expect(drops()).toEqual({ unreadable: 0, unproven: 0, limited: 0, unsent: 0 })
  })
})
