import { describe, expect, it } from 'vitest'
import { attachmentHeader, isNotModified } from '../../../../src/server/http/responses.ts'

describe('a version that the client has already', () => {
  it.each([
    ['"abc"', true],
    ['W/"abc"', true],
    ['"x", "abc"', true],
    ['"x","abc,","abc"', true],
    ['*', true],
    [' * ', true],
    ['"abcd"', false],
    ['abc', false],
    ['', false],
    [undefined, false],
  ])('is recognised in If-None-Match: %s → %s', (header, expected) => {
    expect(isNotModified(header, '"abc"')).toBe(expected)
  })
})

describe('the name that a torrent is saved under', () => {
  it.each([
    [
      'debian-13.qcow2',
      `attachment; filename="debian-13.qcow2.torrent"; filename*=UTF-8''debian-13.qcow2.torrent`,
    ],
    [
      '../../etc/cron.d/x',
      `attachment; filename="_.._etc_cron.d_x.torrent"; filename*=UTF-8''_.._etc_cron.d_x.torrent`,
    ],
    ['.bashrc', `attachment; filename="bashrc.torrent"; filename*=UTF-8''bashrc.torrent`],
    ['..', `attachment; filename="download.torrent"; filename*=UTF-8''download.torrent`],
    ['', `attachment; filename="download.torrent"; filename*=UTF-8''download.torrent`],
    ['größe 1', `attachment; filename="gr__e 1.torrent"; filename*=UTF-8''gr%C3%B6%C3%9Fe%201.torrent`],
    [
      'a"; x="\r\nSet-Cookie: b',
      `attachment; filename="a_; x=___Set-Cookie_ b.torrent"; filename*=UTF-8''a_%3B%20x%3D___Set-Cookie_%20b.torrent`,
    ],
    [
      "it's(1)*.bin",
      `attachment; filename="it's(1)_.bin.torrent"; filename*=UTF-8''it%27s%281%29_.bin.torrent`,
    ],
    ['gpj.\u202eexe', `attachment; filename="gpj._exe.torrent"; filename*=UTF-8''gpj._exe.torrent`],
    ['\ud800x', `attachment; filename="_x.torrent"; filename*=UTF-8''_x.torrent`],
    ['100%', `attachment; filename="100_.torrent"; filename*=UTF-8''100%25.torrent`],
  ])('of %j is safe', (name, header) => {
    expect(attachmentHeader(name, '.torrent')).toBe(header)
  })

  it('has at most 200 bytes before its extension, and no partial character', () => {
    expect(attachmentHeader('x'.repeat(201), '.torrent')).toContain(`filename="${'x'.repeat(200)}.torrent"`)
    expect(attachmentHeader(`${'x'.repeat(199)}ß`, '.torrent')).toContain(
      `filename="${'x'.repeat(199)}.torrent"`,
    )
  })
})
