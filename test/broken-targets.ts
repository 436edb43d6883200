/**
 * Request targets of an attacker: truncated, oversized, binary, repeated, wrongly escaped. Some are valid.
 */
import fc from 'fast-check'

export const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array))

/** Each byte in the form of one of the clients: unescaped where that is allowed, or `%XX` in either case. */
export const escaped = (value: fc.Arbitrary<Buffer>) =>
  fc.tuple(value, fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 20 })).map(([buffer, styles]) => ({
    buffer,
    text: [...buffer].map((byte, at) => escapeByte(byte, styles[at % styles.length] ?? 0)).join(''),
  }))

function escapeByte(byte: number, style: number): string {
  const character = String.fromCharCode(byte)
  if (style === 0 && /[A-Za-z0-9._~!*()'+-]/.test(character)) return character
  const hex = byte.toString(16).padStart(2, '0')
  return `%${style === 1 ? hex.toUpperCase() : hex}`
}

const NAMES = [
  'info_hash',
  'peer_id',
  'port',
  'uploaded',
  'downloaded',
  'left',
  'event',
  'numwant',
  'key',
  'compact',
  'ip',
  'ipv6',
]

/** Valid, too long, truncated, binary and wrongly escaped values. */
export const brokenValue = fc.oneof(
  escaped(bytes(0, 30)).map(({ text }) => text),
  escaped(bytes(20, 20)).map(({ text }) => text),
  fc.tuple(escaped(bytes(18, 22)), fc.nat({ max: 60 })).map(([{ text }, length]) => text.slice(0, length)),
  fc.string({
    unit: fc.constantFrom('%', '2', 'f', 'g', '+', '=', '?', '#', '/', ';', '\0', '\xff'),
    maxLength: 70,
  }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('&', '')),
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.nat({ max: 70_000 }).map(String),
  fc.constantFrom('started', 'stopped', 'completed', 'paused', '0', '1', '-1', ''),
  fc.nat({ max: 12_000 }).map((length) => 'x'.repeat(length)),
)

export const brokenParameter = fc
  .tuple(
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...NAMES) },
      fc.string({ unit: 'binary', maxLength: 12 }),
    ),
    fc.constantFrom('=', '=', '=', '', '=='),
    brokenValue,
  )
  .map((parts) => parts.join(''))

/** The required parameters of an announce, valid, and a few more with any value. About half of the queries are valid. */
export const nearlyGoodAnnounce = fc
  .tuple(
    escaped(bytes(20, 20)),
    escaped(bytes(20, 20)),
    fc.nat({ max: 65_535 }),
    fc.array(
      fc.tuple(
        fc.constantFrom(...NAMES.slice(3)),
        fc.oneof(
          fc.bigInt({ min: 0n, max: 2n ** 54n }).map(String),
          escaped(bytes(0, 66)).map(({ text }) => text),
          brokenValue,
        ),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([infoHash, peerId, port, more]) => {
    const good = `info_hash=${infoHash.text}&peer_id=${peerId.text}&port=${port}`
    return `/announce?${[good, ...more.map(([name, value]) => `${name}=${value}`)].join('&')}`
  })

export const brokenTarget = fc
  .tuple(
    fc.constantFrom('/announce?', '/announce', 'http://t.example/announce?', '?', '', '/announce??', '/%zz?'),
    fc.array(brokenParameter, { maxLength: 16 }),
    fc.constantFrom('&', '&', '&', '&&', ';'),
  )
  .map(([path, parameters, separator]) => path + parameters.join(separator))
