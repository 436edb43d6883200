/** The PROXY protocol before a node: HAProxy, and clients that send headers of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { aDirectory, aNode, freePort, peersOf, type RunningNode } from '../a-node.ts'
import { announceTarget, aTlsClient } from '../a-tls-client.ts'
import { type Authority, anAuthority } from '../an-authority.ts'
import { until } from '../a-redis.ts'
import { RawConnection } from '../raw-connection.ts'
import { needs } from '../setup/needs.ts'

const TRUSTED = 'trustedProxies: [127.0.0.1/32]\n'

const portOf = (node: RunningNode) => Number(new URL(node.announceUrl).port)

/** The response to one announce on a connection of its own. */
async function announceThrough(port: number, from: string, first: string | Buffer = '', peerPort = 6881) {
  const connection = await RawConnection.open(port, from)
  connection.write(first)
  connection.write(`GET ${announceTarget(peerPort, `-XX0000-${from}`)} HTTP/1.1\r\nHost: a-node\r\n\r\n`)
  const response = await connection.response()
  connection.destroy()
  return response?.body ?? ''
}

/** Resolves when the server has closed the connection, with what it sent before. */
function closedAfter(port: number, first: Buffer | string, from = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from })
    let received = ''
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    socket.on('connect', () => socket.write(first))
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

async function refusals(node: RunningNode, code: string): Promise<number> {
  const page = await (await node.admin('/metrics')).text()
  return Number(
    new RegExp(`^siteswarm_announce_failures_total\\{code="${code}"\\} (\\d+)$`, 'm').exec(page)?.[1],
  )
}

const v2 = (command: number, rest: string) => {
  const bytes = Buffer.from(rest, 'hex')
  const head = Buffer.from(`0d0a0d0a000d0a515549540a${command.toString(16)}110000`, 'hex')
  head.writeUInt16BE(bytes.length, 14)
  return Buffer.concat([head, bytes])
}

describe('a connection of a trusted proxy', () => {
  test('is one of the client in its PROXY header, for the site and for other clients', async () => {
    const node = await aNode({ more: TRUSTED })
    const port = portOf(node)
    await announceThrough(port, '127.0.0.1', 'PROXY TCP4 127.1.1.5 127.0.0.1 51000 6969\r\n')
    // 127.1.1.6, a port, and a TLV of three bytes.
    const header = v2(0x21, '7f0101067f000001c7381b39ea0003abcdef')
    const body = await announceThrough(port, '127.0.0.1', header, 6882)
    expect(peersOf(body)).toEqual(['127.1.1.5:6881'])
  })

  test('may split its header at each byte, and keeps its connection', async () => {
    const node = await aNode({ more: TRUSTED })
    const connection = await RawConnection.open(portOf(node), '127.0.0.1')
    for (const character of 'PROXY TCP4 127.1.1.5 127.0.0.1 51000 6969\r\n') {
      connection.write(character)
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const peerPort of [6881, 6882]) {
      connection.write(`GET ${announceTarget(peerPort)} HTTP/1.1\r\nHost: a-node\r\n\r\n`)
      expect((await connection.response())?.body).toContain('8:interval')
    }
  })

  test('without a header, or with one of the proxy itself, is refused with the reason', async () => {
    const node = await aNode({ more: TRUSTED })
    const sentence = 'the trusted proxy does not identify the client'
    expect(await announceThrough(portOf(node), '127.0.0.1')).toContain(sentence)
    expect(await announceThrough(portOf(node), '127.0.0.1', v2(0x20, ''))).toContain(sentence)
    expect(await announceThrough(portOf(node), '127.0.0.1', 'PROXY UNKNOWN\r\n')).toContain(sentence)
    expect(await refusals(node, 'TRK_FORWARDED_INVALID')).toBe(3)
  })

  test('with a header that cannot be read is closed without a response, counted, and logged once', async () => {
    const node = await aNode({ more: TRUSTED })
    const broken = [
      'PROXY TCP4 127.1.1.5\r\n',
      `PROXY ${'x'.repeat(200)}`,
      v2(0x22, '00'.repeat(12)),
      v2(0x21, '00'),
    ]
    for (const first of broken) expect(await closedAfter(portOf(node), first)).toBe('')
    expect(await refusals(node, 'TRK_FORWARDED_INVALID')).toBe(4)
    expect(node.log().split('"event":"proxy-header-invalid"')).toHaveLength(2)
  })

  test('that does not complete its header is closed', async () => {
    const node = await aNode({ more: TRUSTED })
    expect(await closedAfter(portOf(node), 'PROXY TCP4 127.1.1.5 ')).toBe('')
  }, 240_000)

  test('counts as a connection of the client', async () => {
    const node = await aNode({ more: `${TRUSTED}limits: { connectionsPerSource: 2 }\n` })
    const header = 'PROXY TCP4 127.1.1.5 127.0.0.1 51000 6969\r\n'
    for (let kept = 0; kept < 2; kept++) {
      const connection = await RawConnection.open(portOf(node), '127.0.0.1')
      connection.write(`${header}GET ${announceTarget(6881)} HTTP/1.1\r\n\r\n`)
      await connection.response()
    }
    expect(await closedAfter(portOf(node), header)).toBe('')
    expect(await refusals(node, 'TRK_SOURCE_CONNECTIONS')).toBe(1)
    expect(await announceThrough(portOf(node), '127.0.0.1', header.replace('1.5', '1.6'))).toContain(
      '8:interval',
    )
  })
})

test('a PROXY header of any other address is a malformed request', async () => {
  const node = await aNode({ more: TRUSTED })
  const header = 'PROXY TCP4 127.2.1.5 127.0.0.1 51000 6969\r\n'
  expect(await closedAfter(portOf(node), header, '127.1.1.5')).toContain('the request cannot be read')
  const binary = v2(0x21, '7f0201057f000001c7381b39')
  expect(await closedAfter(portOf(node), binary, '127.1.1.5')).toContain('the request cannot be read')
})

test.skipIf(needs('openssl'))('a PROXY header comes before the handshake of TLS', async () => {
  const authority = anAuthority()
  const node = await aNode({ more: TRUSTED, environment: tlsOf(authority) })
  const url = node.announceUrl.replace('http:', 'https:')
  const ca = readFileSync(authority.caPath)
  const first = 'PROXY TCP4 127.1.1.5 127.0.0.1 51000 6969\r\n'
  const client = await aTlsClient(url, { ca, from: '127.0.0.1', first })
  expect(await client.get(announceTarget(6881))).toContain('8:interval')
  const direct = await aTlsClient(url, { ca, from: '127.1.1.6' })
  expect(peersOf(await direct.get(announceTarget(6882)))).toEqual(['127.1.1.5:6881'])
})

const tlsOf = ({ certPath, keyPath }: Authority) => ({
  SITESWARM_LISTEN_TLS_CERTIFICATE: certPath,
  SITESWARM_LISTEN_TLS_KEY: keyPath,
})

/** HAProxy that forwards TCP, with the option of its server line. Returns its port. */
async function aProxy(nodePort: number, option: string): Promise<number> {
  const [directory, port] = [await aDirectory(), await freePort()]
  const file = join(directory, 'haproxy.cfg')
  writeFileSync(
    file,
    `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n` +
      `listen node\n  bind 127.0.0.1:${port}\n  source 127.0.0.1\n  server node 127.0.0.1:${nodePort} ${option}\n`,
  )
  const environment = { PATH: `${process.env['PATH']}:/usr/sbin` }
  const proxy: ChildProcess = spawn('haproxy', ['-db', '-f', file], { env: environment, stdio: 'ignore' })
  onTestFinished(() => void proxy.kill('SIGKILL'))
  const isOpen = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  await until(60_000, 'HAProxy listens', isOpen)
  return port
}

describe.skipIf(needs('haproxy', 'openssl'))('clients of two sites stay two peers behind HAProxy', () => {
  test.each(['send-proxy', 'send-proxy-v2'])('with %s', async (option) => {
    const node = await aNode({ more: TRUSTED })
    const port = await aProxy(portOf(node), option)
    await announceThrough(port, '127.1.1.5')
    expect(peersOf(await announceThrough(port, '127.1.1.6', '', 6882))).toEqual(['127.1.1.5:6881'])
    await announceThrough(port, '127.2.1.5')
    const page = await (await node.admin('/metrics')).text()
    expect(page).toContain('siteswarm_peers{site="fra",bubble="row-a",role="leecher"} 2')
    expect(page).toContain('siteswarm_peers{site="ams",bubble="row-a",role="leecher"} 1')
  })

  test.each(['send-proxy', 'send-proxy-v2'])('with %s before TLS to the node', async (option) => {
    const authority = anAuthority()
    const node = await aNode({ more: TRUSTED, environment: tlsOf(authority) })
    const port = await aProxy(portOf(node), option)
    const ca = readFileSync(authority.caPath)
    const first = await aTlsClient(`https://127.0.0.1:${port}`, { ca, from: '127.1.1.5' })
    await first.get(announceTarget(6881))
    const second = await aTlsClient(`https://127.0.0.1:${port}`, { ca, from: '127.1.1.6' })
    expect(peersOf(await second.get(announceTarget(6882)))).toEqual(['127.1.1.5:6881'])
  })
})
