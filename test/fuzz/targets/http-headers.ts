/** Headers of requests that decide about addresses and ranges. */
import { ok, strictEqual } from 'node:assert'
import { type Address, parseAddress } from '../../../src/core/address.ts'
import { Refusal } from '../../../src/core/errors.ts'
import { readBearerToken } from '../../../src/core/bearer-token.ts'
import { readClientAddress } from '../../../src/server/http/client-address.ts'
import { contentHead } from '../../../src/server/http/range-response.ts'
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
