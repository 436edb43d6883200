/**
 * The lane for announces compared with the server of Node, through real sockets: the same requests, in the same pieces,
 * get the same bytes and reach the tracker as the same announces.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AnnounceTokens } from '../../src/core/announce-tokens.ts'
import { Refusal } from '../../src/core/errors.ts'
import { HttpServer } from '../../src/server/http/http-server.ts'
import { brokenTarget, nearlyGoodAnnounce } from '../broken-targets.ts'
import { RawConnection } from '../raw-connection.ts'
import { RecordingTracker, anAnnounceReply } from '../recording-tracker.ts'

const TOKEN = '/token-1234'
const GOOD = '/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0000-000000000000&port=6881&left=0'

/** One listener for both ways, so that only the first bytes of a connection differ. */
let server: HttpServer
let port: number
const tokens = new AnnounceTokens()
const tracker = new RecordingTracker()
const refusals: string[] = []
/** Connections on which the lane answered: their headers never reach the server of Node. */
let announces = 0

beforeAll(async () => {
  tracker.reply = () => {
    announces++
    // Some responses are deferred, some rejected, and the sizes differ.
    const kind = announces % 7
    if (kind === 0) return new Promise((resolve) => setImmediate(() => resolve(anAnnounceReply())))
    if (kind === 1) throw new Refusal('TRK_PORT_INVALID')
    if (kind === 2) throw new Refusal('TRK_TORRENT_UNKNOWN', 'x')
    return anAnnounceReply({ complete: kind, peers4: Buffer.alloc(kind * 6, kind) })
  }
  server = new HttpServer({
    tracker,
    tokens,
    isTrusted: (address) => address.toString() === '127.0.0.9',
    onRefusal: (code) => refusals.push(code),
    log: { error: (fields) => expect.unreachable(String(fields['err'])) },
  })
  port = await server.start({ host: '127.0.0.1', port: 0 })
})
afterAll(() => server.stop(1_000))

/** All that one connection receives for these bytes, without the dates, and all that the tracker learned. */
async function exchange(pieces: readonly string[], from: string, firstBytes: string) {
  tracker.announces.length = 0
  refusals.length = 0
  announces = 0
  const connection = await RawConnection.open(port, from)
  connection.write(firstBytes)
  for (const piece of pieces) {
    connection.write(piece)
    await new Promise(setImmediate)
  }
  const received = await connection.closed()
  connection.destroy()
  return {
    received: received.replaceAll(/^Date: .*\r$/gm, ''),
    announced: tracker.announces.map(({ request, from: address }) => ({ ...request, address })),
    refusals: [...refusals],
  }
}

const asciiTarget = fc
  .oneof(
    { weight: 6, arbitrary: nearlyGoodAnnounce },
    { weight: 1, arbitrary: brokenTarget },
    {
      weight: 1,
      arbitrary: fc.constantFrom(GOOD, `${GOOD}#x`, `/announce/token?x=1`, '/nowhere', `${GOOD}?y`),
    },
  )
  .map((target) => target.replaceAll(/[^\x21-\x7e]/g, '%00'))
  // A request that cannot be read, or exceeds the 16 KiB of Node's parser, ends the connection; the server of Node then
  // drops responses that wait for others.
  .filter((target) => (target.startsWith('/') || target.startsWith('http:')) && target.length < 15_000)

const header = fc.constantFrom(
  'Host: t\r\n',
  'host:t\r\n',
  'User-Agent: libtorrent/2.0.8.0\r\n',
  'Accept: */*\r\n',
  'ACCEPT-ENCODING:   deflate, gzip\r\n',
  'Connection: keep-alive\r\n',
  'Connection: Keep-Alive \r\n',
  'Want-Digest: SHA-512;q=1\r\n',
  'Pragma: no-cache\r\n',
  'X-Unknown: 1\r\n',
  'X-Forwarded-For: 10.1.2.3\r\n',
  'Accept: \t x\r\n',
  'Host:\r\n',
)

/** Behind the path of an announce; the first one is valid. */
const token = fc.oneof(
  { weight: 4, arbitrary: fc.constant(TOKEN) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '/',
      '/other-token',
      `${TOKEN}/`,
      `${TOKEN}/x`,
      `/.${TOKEN}`,
      '/../announce',
      '/%74oken-1234',
      '/tok%00en',
      '/a;b',
      '/a+b',
      `/${'x'.repeat(128)}`,
      `/${'x'.repeat(129)}`,
    ),
  },
)

const request = (target: fc.Arbitrary<string>) =>
  fc
    .tuple(
      fc.constantFrom('GET', 'GET', 'GET', 'GET', 'GET', 'HEAD'),
      target,
      fc.array(header, { maxLength: 4 }),
    )
    .map(([method, path, headers]) => `${method} ${path} HTTP/1.1\r\n${headers.join('')}\r\n`)

/** After it the server closes, so that both connections end. */
const LAST = `GET ${GOOD} HTTP/1.1\r\nConnection: close\r\n\r\n`

const pieces = (target: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(request(target), { maxLength: 40 }), fc.array(fc.nat({ max: 4_000 }), { maxLength: 3 }))
    .map(([requests, cuts]) => {
      const text = [...requests, LAST].join('')
      const ends = [...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length]
      return ends.map((end, index) => text.slice(index === 0 ? 0 : ends[index - 1], end))
    })

const targetWithToken = fc
  .tuple(asciiTarget, token)
  .map(([target, given]) => target.replace(/^\/announce/, `/announce${given}`))

it.each([
  ['announces', asciiTarget, new Map<string, string[]>()],
  ['announces with any token', targetWithToken, new Map<string, string[]>()],
  ['announces with the token of the site', targetWithToken, new Map([['fra', [TOKEN.slice(1)]]])],
])(
  'answers %s as the server of Node does',
  async (_name, target, accepted) => {
    tokens.replace(accepted)
    await fc.assert(
      fc.asyncProperty(pieces(target), fc.constantFrom('127.0.0.1', '127.0.0.9'), async (sent, from) => {
        const onLane = await exchange(sent, from, '')
        const withoutLane = await exchange(sent, from, '\r\n')
        expect(onLane).toEqual(withoutLane)
      }),
      { numRuns: 200 },
    )
  },
  240_000,
)
