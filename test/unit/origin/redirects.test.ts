/** Redirects of an HTTP origin into addresses that only this machine, or its cloud, reaches. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isInternal } from '../../../src/origin/internal-addresses.ts'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import { at } from '../../a-tracker.ts'
import { type WebServer, aWebServer } from '../../a-web-server.ts'

let origin: WebServer

beforeEach(async () => {
  origin = await aWebServer(Buffer.from('content'))
})
afterEach(() => origin.close())

const open = (isAllowed = false) =>
  openOrigin(`${origin.url}/f`, {
    environment: {},
    signal: AbortSignal.timeout(5_000),
    redirects: (address) => isAllowed || !isInternal(address),
  })

function redirectTo(location: string): void {
  origin.interfere = ({ url }, response) => {
    if (url !== '/f') return false
    response.writeHead(302, { location }).end()
    return true
  }
}

const portOf = (server: WebServer) => new URL(server.url).port

describe('a redirect is rejected', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/',
    'http://100.100.100.200/',
    'http://127.0.0.2:PORT/x',
    'http://localhost:PORT/x',
    'http://[::1]:PORT/x',
    'http://[::ffff:127.0.0.2]:PORT/x',
    'http://0.0.0.0:PORT/x',
    'http://[fe80::1]/',
    'http://2130706434:PORT/x',
    'http://0x7f000002:PORT/x',
  ])('to %s', async (location) => {
    redirectTo(location.replace('PORT', portOf(origin)))
    await expect(open()).rejects.toThrow('origin.redirectsTo')
    expect(origin.requests).toHaveLength(1)
  })
})

describe('a redirect is followed', () => {
  it('on the host of the origin', async () => {
    const mirror = await aWebServer(Buffer.from('content'))
    redirectTo(`${mirror.url}/x`)
    expect((await open()).files[0]?.sizeBytes).toBe(7)
    await mirror.close()
  })

  it('to a listed address', async () => {
    redirectTo(`http://localhost:${portOf(origin)}/x`)
    expect((await open(true)).files[0]?.sizeBytes).toBe(7)
  })
})

it.each([
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['128.0.0.1', false],
  ['169.253.255.255', false],
  ['169.254.0.0', true],
  ['169.255.0.0', false],
  ['0.0.0.0', true],
  ['10.0.0.1', false],
  ['192.168.1.1', false],
  ['::1', true],
  ['::', true],
  ['::2', false],
  ['fe80::1', true],
  ['fd00::1', false],
  ['fd00:ec2::254', true],
])('%s is internal: %s', (address, expected) => {
  expect(isInternal(at(address))).toBe(expected)
})
