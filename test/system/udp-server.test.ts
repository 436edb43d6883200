/**
 * The UDP listener as a client sees it, through real sockets, with a complete tracker behind it; and the commands
 * `announce` and `scrape` against it.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { TrackerService } from '../../src/core/announce.ts'
import { ManualClock } from '../../src/core/clock.ts'
import type { RefusalCode } from '../../src/core/errors.ts'
import { UdpServer } from '../../src/server/udp/udp-server.ts'
import { writeAnnounce } from '../../src/wire/udp/announce.ts'
import { writeConnect } from '../../src/wire/udp/connect.ts'
import { runCommand } from '../a-command-run.ts'
import { aTracker } from '../a-tracker.ts'
import { anAnnounceReply, RecordingTracker } from '../recording-tracker.ts'

const HASH = '2bcb3dab253c7e8c9355b33f262efadd63005087'
const OTHER = '003117267dd93f301c25e78d2b932029bc37a49b'

/** Containers often lack it. */
const lacksIpv6 = !Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
)

async function serving(tracker: TrackerService, host = '127.0.0.1') {
  const refused: RefusalCode[] = []
  const errors: unknown[] = []
  const clock = new ManualClock()
  const server = new UdpServer({
    tracker,
    secrets: { current: () => [Buffer.alloc(32, 'secret')] },
    clock,
    onRefusal: (code) => refused.push(code),
    log: { error: (fields) => errors.push(fields['err']) },
  })
  const port = await server.start({ host, port: 0 })
  onTestFinished(() => server.stop(1_000))
  return { server, port, refused, errors, clock }
}

class Client {
  readonly #socket: Socket
  readonly #received: Buffer[] = []
  #connectionId = Buffer.alloc(8)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (packet) => this.#received.push(packet))
  }

  static async at(from: string, to: string, port: number): Promise<Client> {
    const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4')
    onTestFinished(() => void socket.close())
    socket.bind({ address: from, port: 0 })
    await once(socket, 'listening')
    socket.connect(port, to)
    await once(socket, 'connect')
    return new Client(socket)
  }

  /** The responses to these datagrams; complete, because the last request is a connect. */
  async send(...packets: readonly Buffer[]): Promise<readonly Buffer[]> {
    for (const packet of packets) this.#socket.send(packet)
    this.#socket.send(writeConnect(0xffff_ffff))
    for (;;) {
      const last = this.#received.at(-1)
      if (last?.toString('hex', 0, 8) === '00000000ffffffff') {
        this.#connectionId = Buffer.from(last.subarray(8))
        return this.#received.splice(0).slice(0, -1)
      }
      await once(this.#socket, 'message')
    }
  }

  /** Connects and announces; resolves with the responses in hexadecimal. */
  async announce(fields: { readonly peerId?: string; readonly key?: string; readonly tail?: string } = {}) {
    await this.send()
    const announce = writeAnnounce(
      { connectionId: this.#connectionId, transactionId: 7 },
      {
        infoHash: Buffer.from(HASH, 'hex'),
        peerId: Buffer.from((fields.peerId ?? '').padEnd(20, '.')),
        port: 6881,
        downloadedBytes: 0,
        uploadedBytes: 0,
        leftBytes: 5,
        event: 'started',
        peersWanted: undefined,
        key: Buffer.from(fields.key ?? ''),
        urlData: Buffer.alloc(0),
      },
    )
    const responses = await this.send(Buffer.concat([announce, Buffer.from(fields.tail ?? '', 'hex')]))
    return Buffer.concat(responses).toString('hex')
  }
}

describe('a complete tracker over UDP', () => {
  it('hands out the peers of the site', async () => {
    const { port } = await serving(aTracker().tracker)
    const first = await (await Client.at('127.1.1.5', '127.0.0.1', port)).announce()
    const second = await (await Client.at('127.1.1.6', '127.0.0.1', port)).announce()
    // action 1, transaction 7, an interval; one leecher, no seed, no peers
    expect(first).toMatch(/^0000000100000007[0-9a-f]{8}0000000100000000$/)
    // … two leechers, and 127.1.1.5:6881
    expect(second).toMatch(/^0000000100000007[0-9a-f]{8}00000002000000007f0101051ae1$/)
  })

  it('recognizes a client although its key changes with every datagram', async () => {
    const { port } = await serving(aTracker().tracker)
    const client = await Client.at('127.1.1.5', '127.0.0.1', port)
    await client.announce({ peerId: 'A2-1-36-0-', key: 'abcd', tail: '0000' })
    const answer = await client.announce({ peerId: 'A2-1-36-0-', key: 'efgh', tail: '0000' })
    expect(answer).toMatch(/^0000000100000007[0-9a-f]{8}0000000100000000$/)
  })

  it('refuses with a reason, and counts it', async () => {
    const { port, refused } = await serving(aTracker().tracker)
    const answer = await (await Client.at('127.9.0.1', '127.0.0.1', port)).announce()
    expect(answer.slice(0, 16)).toBe('0000000300000007')
    expect(Buffer.from(answer.slice(16), 'hex').toString()).toBe(
      'this address belongs to no site of this tracker: 127.9.0.1',
    )
    expect(refused).toEqual(['TRK_ADDRESS_UNMAPPED'])
  })
})

describe('the listener', () => {
  it('does not reply to an unproven address, and counts it', async () => {
    const tracker = new RecordingTracker()
    const { port, server, refused } = await serving(tracker)
    const client = await Client.at('127.0.0.1', '127.0.0.1', port)
    const forged = Buffer.alloc(98, 1)
    expect(await client.send(Buffer.alloc(0), Buffer.alloc(15), forged, Buffer.alloc(1_400, 2))).toEqual([])
    expect(server.drops).toEqual({ unreadable: 2, unproven: 2, limited: 0, unsent: 0 })
    expect(tracker.announces).toEqual([])
    expect(refused).toEqual([])
  })

  it('accepts a connection id only for its address and lifetime', async () => {
    const { port, clock } = await serving(new RecordingTracker())
    const scrape = (id: Buffer) =>
      Buffer.concat([id, Buffer.from('0000000200000001', 'hex'), Buffer.alloc(20)])
    const client = await Client.at('127.1.1.5', '127.0.0.1', port)
    const other = await Client.at('127.1.1.6', '127.0.0.1', port)
    const [answer] = await client.send(writeConnect(1))
    const id = answer?.subarray(8) ?? Buffer.alloc(8)
    expect(await client.send(scrape(id))).toHaveLength(1)
    expect(await other.send(scrape(id))).toEqual([])
    clock.advanceMs(240_000)
    expect(await client.send(scrape(id))).toEqual([])
  })

  it.skipIf(lacksIpv6)('hands out peers of the family of the client, on one socket for both', async () => {
    const tracker = new RecordingTracker()
    tracker.reply = anAnnounceReply({
      peers4: Buffer.from('0a4d0201c350', 'hex'),
      peers6: Buffer.from('20010db80000000000000000000000071ae1', 'hex'),
    })
    const { port } = await serving(tracker, '::')
    const over4 = await (await Client.at('127.0.0.1', '127.0.0.1', port)).announce()
    const over6 = await (await Client.at('::1', '::1', port)).announce()
    expect(over4.slice(40)).toBe('0a4d0201c350')
    expect(over6.slice(40)).toBe('20010db80000000000000000000000071ae1')
    expect(tracker.announces.map(({ from }) => from)).toEqual(['127.0.0.1', '::1'])
    expect(tracker.announces.map(({ request }) => request.peersWanted)).toEqual([50, 27])
  })

  it('answers after an internal error, and logs it', async () => {
    const tracker = new RecordingTracker()
    tracker.reply = () => {
      throw new Error('a bug')
    }
    const { port, errors, refused } = await serving(tracker)
    const client = await Client.at('127.0.0.1', '127.0.0.1', port)
    const answer = await client.announce()
    expect(Buffer.from(answer.slice(16), 'hex').toString()).toBe('internal tracker error')
    expect(errors).toEqual([new Error('a bug')])
    expect(refused).toEqual(['TRK_INTERNAL'])
  })

  it('answers after it has waited for other nodes, also where that fails', async () => {
    const tracker = new RecordingTracker()
    tracker.reply = () => Promise.resolve(anAnnounceReply({ complete: 7 }))
    const { port, errors } = await serving(tracker)
    const client = await Client.at('127.0.0.1', '127.0.0.1', port)
    // action, transaction, interval, leechers, seeders
    expect(Buffer.from(await client.announce(), 'hex').readUInt32BE(16)).toBe(7)
    tracker.reply = () => Promise.reject(new Error('a bug'))
    expect(Buffer.from((await client.announce()).slice(16), 'hex').toString()).toBe('internal tracker error')
    expect(errors).toEqual([new Error('a bug')])
  })

  it('rejects where its address is taken', async () => {
    const { port } = await serving(new RecordingTracker())
    const second = new UdpServer({
      tracker: new RecordingTracker(),
      secrets: { current: () => [Buffer.alloc(32)] },
      clock: new ManualClock(),
      onRefusal: () => undefined,
      log: { error: () => undefined },
    })
    await expect(second.start({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      address: '127.0.0.1',
      port,
    })
    await second.stop(1_000)
  })

  it('is closed once it has stopped', async () => {
    const { port, server } = await serving(new RecordingTracker())
    await server.stop(1_000)
    const { exitCode, err } = await runCommand([
      'announce',
      `udp://127.0.0.1:${port}/announce`,
      '--info-hash',
      HASH,
    ])
    expect(exitCode).toBe(69)
    expect(err).toContain('connection refused; no program listens there')
  })
})

describe('the commands over UDP', () => {
  it('announce sends the values of its flags, from the address of --from, and shows the response', async () => {
    const tracker = new RecordingTracker()
    tracker.reply = anAnnounceReply({ complete: 3, peers4: Buffer.from('0a4d0201c350', 'hex') })
    const { port } = await serving(tracker)
    const flags = `--info-hash ${HASH} --left 5 --event completed --port 6881 --num-want 7 --from 127.1.1.5`
    const url = `udp://127.0.0.1:${port}/announce/token?x=1`
    const { exitCode, out } = await runCommand(['announce', url, ...flags.split(' ')])
    expect(exitCode).toBe(0)
    expect(out).toBe(
      'interval      1800 s\ncomplete      3\nincomplete    1\npeers         1\n              10.77.2.1:50000\n',
    )
    expect(tracker.announces).toMatchObject([
      {
        from: '127.1.1.5',
        protocol: 'udp',
        request: {
          infoHash: Buffer.from(HASH, 'hex'),
          leftBytes: 5,
          event: 'completed',
          port: 6881,
          peersWanted: 7,
          key: Buffer.alloc(0),
          urlData: Buffer.from('/announce/token?x=1'),
        },
      },
    ])
  })

  it('announce shows a refusal with exit code 1', async () => {
    const { port } = await serving(aTracker().tracker)
    const { exitCode, out } = await runCommand([
      'announce',
      `udp://127.0.0.1:${port}/announce`,
      '--info-hash',
      HASH,
      '--from',
      '127.9.0.1',
    ])
    expect(exitCode).toBe(1)
    expect(out).toBe('failure       this address belongs to no site of this tracker: 127.9.0.1\n')
  })

  it.skipIf(lacksIpv6)('announce works over IPv6', async () => {
    const tracker = new RecordingTracker()
    tracker.reply = anAnnounceReply({ peers6: Buffer.from('20010db80000000000000000000000071ae1', 'hex') })
    const { port } = await serving(tracker, '::1')
    const { out } = await runCommand(['announce', `udp://[::1]:${port}`, '--info-hash', HASH, '--json'])
    expect(JSON.parse(out)).toMatchObject({ status: null, isUsable: true, peers: ['[2001:db8::7]:6881'] })
  })

  it('scrape shows the counts in the order of its flags', async () => {
    const tracker = new RecordingTracker()
    tracker.counts.set(HASH, { complete: 1, downloaded: 7, downloaders: 2, incomplete: 3 })
    const { port } = await serving(tracker)
    const flags = ['--info-hash', HASH, '--info-hash', OTHER]
    const { exitCode, out } = await runCommand(['scrape', `udp://127.0.0.1:${port}`, ...flags])
    expect(exitCode).toBe(0)
    expect(out).toBe(
      `${HASH}  complete 1  incomplete 3  downloaded 7\n${OTHER}  complete 0  incomplete 0  downloaded 0\n`,
    )
  })
})
