/** The form of a request that the lane for announces reads, and the bytes that it leaves to a parser of HTTP. */
import { describe, expect, it } from 'vitest'
import { readAnnounceHead, TARGET_START } from '../../../src/wire/http/announce-head.ts'

const TARGET = '/announce?info_hash=%2b%cb&port=1'
const head = (...headers: readonly string[]) =>
  `GET ${TARGET} HTTP/1.1\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`

const read = (text: string, start = 0) => readAnnounceHead(Buffer.from(text, 'latin1'), start)

describe('the head of an announce', () => {
  it.each([
    ['without headers', head()],
    [
      'of libtorrent',
      head('Host: 10.77.0.1:39001', 'User-Agent: libtorrent/2.0.8.0', 'Accept-Encoding: gzip'),
    ],
    [
      'of aria2',
      head(
        'User-Agent: aria2/1.36.0',
        'Accept: */*',
        'Host: t',
        'Pragma: no-cache',
        'Want-Digest: SHA;q=0.1',
      ),
    ],
    ['with names in any case', head('HOST:t', 'accept-ENCODING:  gzip ')],
    ['that asks to keep the connection', head('Connection: Keep-Alive')],
  ])('%s is read', (_name, text) => {
    const found = read(`${text}GET /announce?more`)
    expect(found).toEqual({ targetEnd: 4 + TARGET.length, end: text.length, closes: false })
    expect(text.slice(TARGET_START, found?.targetEnd)).toBe(TARGET)
  })

  it.each(['Connection: close', 'connection:CLOSE', 'Connection:  close  '])(
    '%j closes the connection',
    (line) => {
      expect(read(head('Host: t', line))?.closes).toBe(true)
    },
  )

  it.each(['t', 'x'.repeat(128), 'AZaz09-._~'])('with the token %s is read', (token) => {
    const target = TARGET.replace('/announce', `/announce/${token}`)
    const text = head('Host: t').replace(TARGET, target)
    expect(read(text)).toEqual({ targetEnd: TARGET_START + target.length, end: text.length, closes: false })
  })

  it('behind another one is read', () => {
    const first = head('Host: t')
    expect(read(first + head(), first.length)?.end).toBe(first.length + head().length)
  })

  it.each([
    ['an incomplete head', head('Host: t').slice(0, -1)],
    ['a head without its last line', head('Host: t').slice(0, -2)],
    ['a target that is not complete', `GET ${TARGET}`],
    ['another method', head().replace('GET', 'HEAD')],
    ['another path', head().replace('/announce', '/scrape')],
    ['an empty token', head().replace('/announce', '/announce/')],
    ['a token with an escape', head().replace('/announce', '/announce/to%6ben')],
    ['a token of 129 characters', head().replace('/announce', `/announce/${'x'.repeat(129)}`)],
    ['a path behind a token', head().replace('/announce', '/announce/token/')],
    ['a token without a query', head().replace(TARGET, '/announce/token')],
    ['a path that begins alike', head().replace('/announce', '/announcements')],
    ['HTTP/1.0', head().replace('1.1', '1.0')],
    ['two spaces before the version', head().replace(' HTTP', '  HTTP')],
    ['an empty line before it', `\r\n${head()}`],
    ['a fragment', head().replace('port', '#port')],
    ['a byte above ASCII', head().replace('port', 'p\xffrt')],
    ['a tab in the target', head().replace('port', 'p\trt')],
    ['a line end without CR', head('Host: t').replace('t\r\n', 't\n')],
    ['a CR inside a value', head('Host: a\rb')],
    ['a NUL in a value', head('Host: a\0b')],
    ['a folded line', head('Host: a', ' b')],
    ['a space before the colon', head('Host : a')],
    ['a header without a colon', head('Host')],
    ['a header without a name', head(': a')],
    ['a body', head('Content-Length: 3')],
    ['a chunked body', head('Transfer-Encoding: chunked')],
    ['an expectation', head('Expect: 100-continue')],
    ['an upgrade', head('Upgrade: websocket', 'Connection: Upgrade')],
    ['several options of the connection', head('Connection: keep-alive, close')],
    ['a forwarding header', head('X-Forwarded-For: 10.1.1.1')],
    ['another forwarding header', head('Forwarded: for=10.1.1.1')],
    ['the address that nginx sends', head('X-Real-IP: 10.1.1.1')],
    ['a header that it does not know', head('X-Unknown: 1')],
    ['a target of more than 12,288 bytes', head().replace('port', 'x'.repeat(12_288))],
    ['headers of more than 4,096 bytes', head(`User-Agent: ${'x'.repeat(4_096)}`)],
  ])('%s is left to a parser', (_name, text) => {
    expect(read(text)).toBeUndefined()
  })

  it('at the limits is read', () => {
    const longest = `/announce?${'x'.repeat(12_288 - '/announce?'.length)}`
    expect(read(head().replace(TARGET, longest))?.targetEnd).toBe(4 + 12_288)
    expect(read(head().replace(TARGET, `${longest}x`))).toBeUndefined()
  })
})
