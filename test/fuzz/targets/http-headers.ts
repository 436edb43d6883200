/** Headers of requests that decide about addresses and ranges. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { type Address, parseAddress } from '../../../src/core/address.ts'
import { Refusal } from '../../../src/core/errors.ts'
import { readBearerToken } from '../../../src/core/bearer-token.ts'
import { readClientAddress } from '../../../src/server/http/client-address.ts'
import { contentHead } from '../../../src/server/http/range-response.ts'
import { readProxyHeader } from '../../../src/wire/proxy/proxy-header.ts'
import { type FuzzTarget, unlessRejected } from '../fuzz-target.ts'

const SIZES = [0, 1, 1_000, Number.MAX_SAFE_INTEGER]

export const rangeHeader: FuzzTarget = {
  name: 'range-header',
  bytesMax: 256,
  tokens: ['bytes=', '-', ',', ' ', '\t', 'BYTES=', '9007199254740993'],
  examples: ['bytes=0-499', 'bytes=-500', 'bytes=500-', 'bytes=0-0,5-9'],
  read(input) {
    const range = input.toString('latin1')
    for (const sizeBytes of SIZES) {
      const head = contentHead({ method: 'GET', headers: { range } }, { sizeBytes, etag: '"a"' })
      const { startByte, endByte } = head.range
      ok(Number.isSafeInteger(startByte) && Number.isSafeInteger(endByte))
      ok(startByte >= 0 && startByte <= endByte && endByte <= sizeBytes)
      if (head.status === 206) ok(endByte > startByte)
      if (head.status !== 416) strictEqual(head.headers['Content-Length'], endByte - startByte)
    }
    readBearerToken(range)
  },
}

const PROXY = '10.255.0.1'
const CLIENT = '10.9.9.9'
const rules = { isTrusted: (address: Address) => address.toString().startsWith('10.255.') }

export const forwardingHeaders: FuzzTarget = {
  name: 'forwarding-headers',
  bytesMax: 1_024,
  tokens: [
    ',',
    ';',
    'for=',
    'For="',
    '"',
    '\\',
    '[',
    ']',
    ':',
    '::ffff:',
    '10.255.0.2',
    '10.1.2.3',
    ':80',
    'unknown',
    '_hidden',
    '%eth0',
    '\n',
  ],
  examples: [
    '10.1.2.3, 10.255.0.2',
    'for=10.1.2.3;proto=http, for="[fd00::7]:80"',
    '"[fd00::7]"',
    '1.2.3.4:80\n5.6.7.8',
  ],
  read(input) {
    const [value = '', second] = input.toString('latin1').split('\n')
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip']) {
      const headers = { [name]: value, ...(second === undefined ? {} : { 'x-real-ip': second }) }
      unlessRejected(Refusal, () => readClientAddress(PROXY, headers, rules))
      // An address outside the list sends headers without effect.
      strictEqual(readClientAddress(CLIENT, headers, rules).toString(), CLIENT)
    }
    // With any header of a client, the entry that the proxy appends is its address, or the request is rejected.
    const appended = { 'x-forwarded-for': `${value}, ${CLIENT}`, forwarded: `${value}, for=${CLIENT}` }
    for (const [name, header] of Object.entries(appended)) {
      const read = unlessRejected(Refusal, () => readClientAddress(PROXY, { [name]: header }, rules))
      if (read !== undefined) strictEqual(read.toString(), CLIENT)
    }
    const address = parseAddress(value)
    if (address !== undefined) ok(parseAddress(address.toString())?.equals(address))
  },
}

const V2 = '0d0a0d0a000d0a515549540a'

export const proxyHeader: FuzzTarget = {
  name: 'proxy-header',
  bytesMax: 4_200,
  tokens: [
    'PROXY ',
    'TCP4 ',
    'TCP6 ',
    'UNKNOWN',
    '\r\n',
    ' ',
    '\x21\x11\x00\x0c',
    '\x20\x00\x00\x00',
    '\x21\x21\x00\x24',
    '\x10\x01',
  ],
  examples: [
    'PROXY TCP4 10.1.2.3 10.255.0.1 51413 6969\r\nGET /',
    'PROXY TCP6 fd00::7 fd00::1 51413 6969\r\n',
    'PROXY UNKNOWN\r\n',
    Buffer.from(`${V2}2111000c0a0102030aff0001c8d51b39474554`, 'hex'),
    Buffer.from(`${V2}20000000`, 'hex'),
  ],
  read(input) {
    const read = readProxyHeader(input)
    if (read.kind !== 'read') return
    ok(read.bytes > 0 && read.bytes <= input.length)
    // The header alone decides where it ends: bytes behind it have no effect, and without its last byte it is incomplete.
    deepStrictEqual(readProxyHeader(input.subarray(0, read.bytes)), read)
    strictEqual(readProxyHeader(input.subarray(0, read.bytes - 1)).kind, 'incomplete')
  },
}
