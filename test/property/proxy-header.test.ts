/** The reader of PROXY headers: any bytes, any split, and headers as proxies write them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Address, addressToBytes } from '../../src/core/address.ts'
import { readProxyHeader, V1_BYTES_MAX, V2_REST_BYTES_MAX } from '../../src/wire/proxy/proxy-header.ts'

const RUNS = { numRuns: 5_000 }
const word = fc.integer({ min: 0, max: 0xffff_ffff })
const v4 = word.map((bits) => Address.v4(bits))
const v6 = fc.tuple(word, word, word, word).map((words) => new Address(...words))
const port = fc.integer({ min: 0, max: 65_535 })

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Version 1 of HAProxy: `PROXY TCP4 10.1.2.3 10.0.0.1 51000 6969`. */
const textHeader = fc
  .tuple(fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6)), port, port)
  .map(([[source, destination], from, to]) => {
    const family = source.isV4 || destination.isV4 ? 'TCP4' : 'TCP6'
    const line = `PROXY ${family} ${source.toString()} ${destination.toString()} ${from} ${to}\r\n`
    return { client: source, bytes: Buffer.from(line), isUsable: source.isV4 === destination.isV4 }
  })
  .filter(({ isUsable }) => isUsable)

/** Version 2, with TLVs of any content behind the addresses. */
const binaryHeader = fc
  .tuple(fc.oneof(v4, v6), port, port, fc.uint8Array({ maxLength: 200 }))
  .map(([client, from, to, tlvs]) => {
    const address = addressToBytes(client)
    const ports = Buffer.alloc(4)
    ports.writeUInt16BE(from, 0)
    ports.writeUInt16BE(to, 2)
    const rest = Buffer.concat([address, address, ports, tlvs])
    return { client, bytes: writeV2(0x21, client.isV4 ? 0x11 : 0x21, rest) }
  })

function writeV2(command: number, family: number, rest: Uint8Array, length = rest.length): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, length >> 8, length & 255]), rest])
}

const header = fc.oneof(textHeader, binaryHeader)

describe('a PROXY header', () => {
  it('gives the client and its own length, with any bytes behind it', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 64 }), ({ client, bytes }, behind) => {
        const read = readProxyHeader(Buffer.concat([bytes, behind]))
        expect(read).toEqual({ kind: 'read', client, bytes: bytes.length })
      }),
      RUNS,
    )
  })

  it('is incomplete at each shorter length', () => {
    fc.assert(
      fc.property(header, fc.nat(), ({ bytes }, at) => {
        expect(readProxyHeader(bytes.subarray(0, at % bytes.length)).kind).toBe('incomplete')
      }),
      RUNS,
    )
  })

  it('with one changed byte is still decided: read, incomplete, invalid or absent, within its limits', () => {
    fc.assert(
      fc.property(header, fc.nat(), fc.integer({ min: 0, max: 255 }), ({ bytes }, at, value) => {
        const changed = Buffer.from(bytes)
        changed[at % bytes.length] = value
        const read = readProxyHeader(changed)
        expect(['absent', 'incomplete', 'invalid', 'read']).toContain(read.kind)
        if (read.kind === 'read') expect(read.bytes).toBeLessThanOrEqual(changed.length)
      }),
      RUNS,
    )
  })

  it('is decided for any bytes once they are longer than the longest header', () => {
    const start = fc.constantFrom('', 'PROXY ', SIGNATURE.toString('latin1'))
    fc.assert(
      fc.property(start, fc.uint8Array({ minLength: 4_200, maxLength: 4_300 }), (first, rest) => {
        const bytes = Buffer.concat([Buffer.from(first, 'latin1'), rest])
        expect(readProxyHeader(bytes).kind).not.toBe('incomplete')
      }),
      { numRuns: 500 },
    )
  })
})

describe('the reader of PROXY headers', () => {
  const kindOf = (text: string | Buffer) => readProxyHeader(Buffer.from(text as string, 'latin1')).kind

  it('finds none before HTTP and TLS', () => {
    for (const text of [
      'GET /announce HTTP/1.1',
      'POST /',
      'PUT /',
      'PRI * HTTP/2.0',
      '\x16\x03\x01\x02',
      '\r\nGET /',
    ])
      expect(kindOf(text)).toBe('absent')
  })

  it('gives no client for a connection of the proxy itself, or of an unknown client', () => {
    const rest = Buffer.alloc(12, 1)
    const withoutClient = [
      Buffer.from('PROXY UNKNOWN\r\n'),
      Buffer.from('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'),
      writeV2(0x20, 0x00, Buffer.alloc(0)),
      writeV2(0x20, 0x11, rest),
      writeV2(0x21, 0x00, rest),
      writeV2(0x21, 0x31, Buffer.alloc(216)),
    ]
    for (const bytes of withoutClient)
      expect(readProxyHeader(bytes)).toEqual({ kind: 'read', client: undefined, bytes: bytes.length })
  })

  it('reads a mapped IPv4 address as IPv4 in both versions', () => {
    const client = Address.v4(0x0a010203)
    const text = 'PROXY TCP6 ::ffff:10.1.2.3 ::1 51000 6969\r\n'
    expect(readProxyHeader(Buffer.from(text))).toMatchObject({ kind: 'read', client })
    const mapped = Buffer.from('00000000000000000000ffff0a010203', 'hex')
    const bytes = writeV2(0x21, 0x21, Buffer.concat([mapped, mapped, Buffer.alloc(4)]))
    expect(readProxyHeader(bytes)).toMatchObject({ kind: 'read', client })
  })

  it.each([
    'PROXY TCP4 10.1.2.3 10.0.0.1 51000\r\n',
    'PROXY TCP4 10.1.2.3 10.0.0.1 51000 6969 1\r\n',
    'PROXY TCP4 10.1.2.3  10.0.0.1 51000 6969\r\n',
    'PROXY TCP4 fd00::1 fd00::2 51000 6969\r\n',
    'PROXY TCP6 10.1.2.3 10.0.0.1 51000 6969\r\n',
    'PROXY TCP6 fe80::1%eth0 fd00::2 51000 6969\r\n',
    'PROXY TCP4 010.1.2.3 10.0.0.1 51000 6969\r\n',
    'PROXY TCP4 10.1.2.3 10.0.0.1 051000 6969\r\n',
    'PROXY TCP4 10.1.2.3 10.0.0.1 65536 6969\r\n',
    'PROXY UDP4 10.1.2.3 10.0.0.1 51000 6969\r\n',
    'PROXY tcp4 10.1.2.3 10.0.0.1 51000 6969\r\n',
    'PROXY \r\n',
    `PROXY UNKNOWN ${'x'.repeat(V1_BYTES_MAX)}\r\n`,
  ])('refuses %j', (text) => expect(kindOf(text)).toBe('invalid'))

  it('takes version 1 of 107 bytes, and not of 108', () => {
    const unknown = (bytes: number) => `PROXY UNKNOWN ${'x'.repeat(bytes - 16)}\r\n`
    expect([unknown(107).length, kindOf(unknown(107)), kindOf(unknown(108))]).toEqual([
      107,
      'read',
      'invalid',
    ])
  })

  it('refuses version 2 that is too long, too short, for datagrams, or of another version', () => {
    const rest = Buffer.alloc(12)
    const read = (bytes: Buffer) => readProxyHeader(bytes).kind
    expect(read(writeV2(0x21, 0x11, Buffer.alloc(V2_REST_BYTES_MAX)))).toBe('read')
    expect(read(writeV2(0x21, 0x11, rest, V2_REST_BYTES_MAX + 1))).toBe('invalid')
    expect(read(writeV2(0x21, 0x11, rest.subarray(1)))).toBe('invalid')
    expect(read(writeV2(0x21, 0x21, rest))).toBe('invalid')
    expect(read(writeV2(0x21, 0x12, rest))).toBe('invalid')
    expect(read(writeV2(0x11, 0x11, rest))).toBe('invalid')
    expect(read(writeV2(0x22, 0x11, rest))).toBe('invalid')
    expect(read(writeV2(0x21, 0x41, rest))).toBe('invalid')
    expect(read(writeV2(0x21, 0x13, rest))).toBe('invalid')
  })
})
