/** `announce` and `scrape` against a real listener, and against listeners with bad responses or none. */
import { once } from 'node:events'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requestTracker } from '../../src/client/http-request.ts'
import { HttpServer } from '../../src/server/http/http-server.ts'
import { runCommand } from '../a-command-run.ts'
import { RecordingTracker, anAnnounceReply } from '../recording-tracker.ts'

const HASH = '2bcb3dab253c7e8c9355b33f262efadd63005087'
const OTHER = '003117267dd93f301c25e78d2b932029bc37a49b'
const PEER_ID = '-XX0000-000000000000'

describe('a tracker that answers', () => {
  let tracker: RecordingTracker
  let server: HttpServer
  let url: string

  beforeEach(async () => {
    tracker = new RecordingTracker()
    server = new HttpServer({
      tracker,
      isTrusted: () => false,
      onRefusal: () => undefined,
      log: { error: (fields) => expect.unreachable(String(fields['err'])) },
    })
    url = `http://127.0.0.1:${await server.start({ host: '127.0.0.1', port: 0 })}/announce`
  })
  afterEach(() => server.stop(1_000))

  it('receives all values of the flags, from the address of --from', async () => {
    const flags =
      `--info-hash ${HASH} --left 5 --event completed --port 6881 --num-want 7 --peer-id ${PEER_ID} ` +
      '--downloaded 8 --uploaded 9 --key k&= --from 127.1.1.5'
    const { exitCode } = await runCommand(['announce', url, ...flags.split(' ')])
    expect(exitCode).toBe(0)
    expect(tracker.announces).toMatchObject([
      {
        from: '127.1.1.5',
        request: {
          infoHash: Buffer.from(HASH, 'hex'),
          peerId: Buffer.from(PEER_ID),
          leftBytes: 5,
          event: 'completed',
          port: 6881,
          peersWanted: 7,
          downloadedBytes: 8,
          uploadedBytes: 9,
          key: Buffer.from('k&='),
          isCompact: true,
        },
      },
    ])
  })

  it('receives an unreachable leecher without flags', async () => {
    await runCommand(['announce', url, '--info-hash', HASH])
    expect(tracker.announces).toMatchObject([
      { request: { port: 1, leftBytes: 16384, event: 'none', peersWanted: undefined, key: Buffer.alloc(0) } },
    ])
    expect(tracker.announces[0]?.request.peerId.toString()).toMatch(/^-SW0100-[0-9a-z]{12}$/)
  })

  it('has its response shown for people', async () => {
    tracker.reply = anAnnounceReply({
      complete: 3,
      peers4: Buffer.from('0a4d0201c350', 'hex'),
      peers6: Buffer.from('20010db80000000000000000000000071ae1', 'hex'),
    })
    const { exitCode, out, err } = await runCommand(['announce', url, '--info-hash', HASH])
    expect(exitCode).toBe(0)
    expect(out).toBe(
      'interval      1800 s\n' +
        'min interval  900 s\n' +
        'complete      3\n' +
        'incomplete    1\n' +
        'downloaded    0\n' +
        'peers         2\n' +
        '              10.77.2.1:50000\n' +
        '              [2001:db8::7]:6881\n',
    )
    expect(err).toMatch(/^answered in [\d.]+ ms\n$/)
  })

  it('has a list of dictionaries shown in the same form', async () => {
    tracker.reply = anAnnounceReply({ peers4: Buffer.from('0a4d0201c350', 'hex') })
    const { out } = await runCommand(['announce', url, '--info-hash', HASH, '--no-compact'])
    expect(tracker.announces).toMatchObject([{ request: { isCompact: false } }])
    expect(out).toContain('peers         1\n              10.77.2.1:50000\n')
  })

  it('has its response shown as one JSON document', async () => {
    const { out } = await runCommand(['announce', url, '--info-hash', HASH, '--json'])
    expect(JSON.parse(out)).toMatchObject({ status: 200, isUsable: true, peers: [], intervalSeconds: 1800 })
  })

  it('has a failure shown with its reason and exit code 1', async () => {
    const { exitCode, out } = await runCommand([
      'announce',
      url.replace('announce', 'x'),
      '--info-hash',
      HASH,
    ])
    expect(exitCode).toBe(1)
    expect(out).toContain('failure       there is nothing at this path; announce to /announce\n')
  })

  it('is scraped at the announce URL, with a token and with a query', async () => {
    tracker.counts.set(HASH, { complete: 1, downloaded: 7, downloaders: 2, incomplete: 3 })
    const flags = ['--info-hash', HASH, '--info-hash', OTHER]
    const { exitCode, out } = await runCommand(['scrape', `${url}/token?x=1`, ...flags])
    expect(exitCode).toBe(0)
    expect(out).toBe(
      `${OTHER}  complete 0  incomplete 0  downloaded 0\n` +
        `${HASH}  complete 1  incomplete 3  downloaders 2  downloaded 7\n` +
        'min interval  1800 s\n',
    )
  })

  it('has the response to a scrape shown as one JSON document', async () => {
    const { out } = await runCommand(['scrape', url, '--info-hash', HASH, '--json'])
    expect(JSON.parse(out)).toMatchObject({ isUsable: true, torrents: [{ infoHash: HASH, complete: 0 }] })
  })
})

describe('a listener with any response', () => {
  /** Runs a command against a listener that reads the request, writes `response`, and closes the connection. */
  async function runAgainst(response: string, argv: (url: string) => readonly string[]) {
    const requests: string[] = []
    const sockets: Socket[] = []
    const listener = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      socket.once('data', (chunk) => {
        requests.push(chunk.toString('latin1'))
        socket.end(Buffer.from(response, 'latin1'))
      })
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const run = await runCommand(
      argv(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/announce`),
    )
    for (const socket of sockets) socket.destroy()
    listener.close()
    return { ...run, requests }
  }

  const announce = (url: string) => ['announce', url, '--info-hash', HASH, '--peer-id', PEER_ID]

  it('receives the bytes of the hash escaped, after the query of the URL', async () => {
    const { requests } = await runAgainst('', (url) => announce(`${url}?pass=a%2fb`))
    expect(requests[0]).toMatch(
      /^GET \/announce\?pass=a%2fb&info_hash=%2B%CB%3D%AB%25%3C~%8C%93U%B3%3F%26\.%FA%DDc%00P%87&peer_id=-XX0000-0{12}&port=1&uploaded=0&downloaded=0&left=16384&compact=1 HTTP\/1\.1\r\n/,
    )
  })

  it('is unreachable when it closes the connection', async () => {
    const { exitCode, err } = await runAgainst('', announce)
    expect(exitCode).toBe(69)
    expect(err).toContain('it closed the connection without a response')
  })

  it('is unreachable when its response is not HTTP', async () => {
    const { exitCode, err } = await runAgainst('220 ftp ready\r\n', announce)
    expect(exitCode).toBe(69)
    expect(err).toContain('its response is not HTTP')
  })

  it('is unusable when it responds with a page', async () => {
    const { exitCode, out } = await runAgainst(
      'HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>',
      announce,
    )
    expect(exitCode).toBe(1)
    expect(out).toContain('warning: status 404')
    expect(out).toContain('it begins with "<html>"')
  })

  it('is not followed in a redirect loop', async () => {
    const { exitCode, err, requests } = await runAgainst(
      'HTTP/1.1 302 Found\r\nLocation: /announce\r\nContent-Length: 0\r\n\r\n',
      announce,
    )
    expect(exitCode).toBe(69)
    expect(requests).toHaveLength(6)
    expect(err).toContain('more than 5 redirects')
  })

  it('is read up to a limit', async () => {
    const { exitCode, err } = await runAgainst(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_100_000)}`, announce)
    expect(exitCode).toBe(69)
    expect(err).toContain('it sends more than 1048576 bytes')
  })

  it('cannot send control characters to the terminal', async () => {
    const { out } = await runAgainst(
      'HTTP/1.1 200 OK\r\n\r\nd14:failure reason7:\x1b[2Jbad8:intervali60ee',
      announce,
    )
    expect(out).toContain('failure       \\u{1b}[2Jbad\n')
  })
})

describe('a listener without a response', () => {
  it.each([
    ['is unreachable at the deadline', () => AbortSignal.timeout(20), 'no response within 15 s'],
    ['is abandoned when the command is interrupted', () => AbortSignal.abort(), 'interrupted'],
  ])('%s', async (_name, signal, message) => {
    const listener = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const url = new URL(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/announce`)
    const response = requestTracker({ url, from: undefined, version: '0', signal: signal() })
    await expect(response).rejects.toThrow(message)
    listener.close()
  })
})

describe('a command without a tracker', () => {
  it('reports a port without a listener', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    listener.close()
    await once(listener, 'close')
    const url = `http://127.0.0.1:${port}/announce`
    for (const command of ['announce', 'scrape']) {
      const { exitCode, err, out } = await runCommand([command, url, '--info-hash', HASH])
      expect(exitCode).toBe(69)
      expect(err).toBe(
        `siteswarm ${command}: ${url} does not respond: connection refused; no program listens there\n`,
      )
      expect(out).toBe('')
    }
  })

  it.each([
    ['announce', 'not-a-url', `--info-hash ${HASH}`, 'expected a tracker URL such as'],
    ['announce', 'udp://t/announce', `--info-hash ${HASH}`, 'UDP trackers have no default port'],
    ['announce', 'udp://t:6969', `--info-hash ${HASH} --no-compact`, 'UDP has compact peers only'],
    ['announce', 'udp://t:6969', `--info-hash ${HASH} --ip 10.0.0.1`, 'do not read it over UDP'],
    ['announce', 'udp://t:6969', `--info-hash ${HASH} --key 12345`, 'over UDP, at most 4 bytes'],
    ['scrape', 'udp://t:6969', `--info-hash ${HASH} `.repeat(75).trim(), 'over UDP, at most 74 torrents'],
    ['announce', 'http://t/announce', '', '--info-hash is missing'],
    ['announce', 'http://t/announce', '--info-hash 2bcb', 'expected 40 hexadecimal digits'],
    ['announce', 'http://t/announce', `--info-hash ${HASH} --left -1`, 'expected a whole number'],
    ['announce', 'http://t/announce', `--info-hash ${HASH} --port 65536`, 'from 0 to 65535'],
    [
      'announce',
      'http://t/announce',
      `--info-hash ${HASH} --num-want x`,
      '--num-want x: expected a whole number',
    ],
    ['announce', 'http://t/announce', `--info-hash ${HASH} --event begun`, 'expected one of none, started'],
    ['announce', 'http://t/announce', `--info-hash ${HASH} --peer-id short`, 'expected 20 characters'],
    [
      'announce',
      'http://t/announce',
      `--info-hash ${HASH} --from here`,
      'expected an address of this machine',
    ],
    ['scrape', 'http://t/announce', '', '--info-hash is missing'],
    ['scrape', 'http://t/', `--info-hash ${HASH}`, 'expected /announce or /scrape in its path'],
  ])('sends no request with wrong arguments: %s %s %s', async (command, url, flags, message) => {
    const argv = flags === '' ? [command, url] : [command, url, ...flags.split(' ')]
    const { exitCode, err } = await runCommand(argv)
    expect(exitCode).toBe(64)
    expect(err).toContain(message)
  })
})
