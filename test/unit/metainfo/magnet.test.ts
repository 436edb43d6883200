import { describe, expect, it } from 'vitest'
import { InputError } from '../../../src/core/errors.ts'
import { isMagnet, readMagnet, rewriteMagnet, writeMagnet } from '../../../src/metainfo/magnet.ts'

const HASH = '2bcb3dab253c7e8c9355b33f262efadd63005087'
const HASH_V2 = 'e9abc934f370818f5fabcd6dbbe736e5aa10304e69b19b53e640205db120693a'

describe('a magnet', () => {
  it('is distinguished from a file name', () => {
    expect(['magnet:?xt=1', ' MAGNET:?', 'magnet.torrent', './magnet:'].map(isMagnet)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it.each([
    ['hexadecimal', `xt=urn:btih:${HASH}`],
    ['hexadecimal in capitals', `XT=URN:BTIH:${HASH.toUpperCase()}`],
    ['base32', 'xt=urn:btih:FPFT3KZFHR7IZE2VWM7SMLX23VRQAUEH'],
    ['base32 in small letters', 'xt=urn:btih:fpft3kzfhr7ize2vwm7smlx23vrqaueh'],
    ['percent-encoded', `xt=urn%3Abtih%3A${HASH}`],
    ['numbered', `xt.1=urn:btih:${HASH}`],
    ['twice', `xt=urn:btih:${HASH}&xt=urn:btih:FPFT3KZFHR7IZE2VWM7SMLX23VRQAUEH`],
  ])('has its infohash in %s', (_, parameters) => {
    const magnet = readMagnet(`magnet:?${parameters}`)
    expect(magnet.infoHashV1?.toString('hex')).toBe('2bcb3dab253c7e8c9355b33f262efadd63005087')
    expect(magnet.infoHashV2).toBeUndefined()
  })

  it('may have a v2 infohash, or both', () => {
    const v2 = readMagnet(`magnet:?xt=urn:btmh:1220${HASH_V2}`)
    expect([v2.infoHashV1, v2.infoHashV2?.toString('hex')]).toEqual([undefined, HASH_V2])
    expect(v2.warnings.map(({ code }) => code)).toEqual(['privacy-unknown', 'v2-only'])
    const hybrid = readMagnet(`magnet:?xt=urn:btih:${HASH}&xt=urn:btmh:1220${HASH_V2}`)
    expect([hybrid.infoHashV1?.toString('hex'), hybrid.infoHashV2?.toString('hex')]).toEqual([HASH, HASH_V2])
  })

  it('has a name, trackers and web seeds', () => {
    const magnet = readMagnet(
      `magnet:?xt=urn:btih:${HASH}&dn=a+b%20c&tr=http%3A%2F%2Fa%2Fannounce&tr.1=udp://b:1/x+y&ws=http://w&tr=%zz`,
    )
    expect(magnet.name).toBe('a b c')
    expect(magnet.trackers).toEqual(['http://a/announce', 'udp://b:1/x+y', '%zz'])
    expect(magnet.webSeeds).toEqual(['http://w'])
    expect(magnet.warnings.map(({ code }) => code)).toEqual([
      'privacy-unknown',
      'tracker-refused',
      'web-seeds',
    ])
    expect(magnet.warnings[1]?.message).toContain('some clients refuse the tracker %zz')
  })

  it.each([
    ['magnet:xt=1', 'a magnet begins with "magnet:?"'],
    ['magnet:?', 'the magnet has no infohash'],
    ['magnet:?dn=x\n&xt=urn:btih:1', 'a line break or another control character'],
    [`magnet:?xt=urn:btih:${HASH}&dn=\u001b[2J`, 'a line break or another control character'],
    ['magnet:?dn=x', 'In a shell, put it in quotes'],
    ['magnet:?xt=urn:sha1:abc', 'the magnet has no infohash'],
    ['magnet:?xt=urn:btih:2bcb', 'a v1 infohash is 40 hexadecimal or 32 base32 digits'],
    [`magnet:?xt=urn:btih:${HASH}0`, 'a v1 infohash is 40 hexadecimal or 32 base32 digits'],
    [
      'magnet:?xt=urn:btih:1PFT3KZFHR7IZE2VWM7SMLX23VRQAUEH',
      'a v1 infohash is 40 hexadecimal or 32 base32 digits',
    ],
    [`magnet:?xt=urn:btmh:${HASH_V2}`, 'a v2 infohash is 1220 and 64 hexadecimal digits'],
    [`magnet:?xt=urn:btih:${HASH}&xt=urn:btih:${HASH.replace('2', '3')}`, 'it names a second torrent'],
  ])('is refused with a reason: %s', (text, message) => {
    expect(() => readMagnet(text)).toThrow(InputError)
    expect(() => readMagnet(text)).toThrow(message)
  })
})

describe('a magnet that was copied out of HTML', () => {
  it('has a warning, since its trackers are not read', () => {
    const magnet = readMagnet(`magnet:?xt=urn:btih:${HASH}&amp;dn=a&amp;tr=http%3A%2F%2Fa.example%2Fannounce`)
    expect(magnet.trackers).toEqual([])
    expect(magnet.warnings.map(({ code }) => code)).toEqual(['privacy-unknown', 'html-escaped'])
    const plain = readMagnet(`magnet:?xt=urn:btih:${HASH}&dn=a%26amp;b`)
    expect(plain.warnings.map(({ code }) => code)).toEqual(['privacy-unknown'])
  })
})

describe('a rewritten magnet', () => {
  const tiers = [['http://a.example:6969/announce?pk=x+y'], ['http://b/announce', 'udp://c:1/announce']]
  const rewrite = (text: string) => rewriteMagnet(readMagnet(text), tiers)
  const TRACKERS =
    'tr=http%3A%2F%2Fa.example%3A6969%2Fannounce%3Fpk%3Dx%2By&tr=http%3A%2F%2Fb%2Fannounce&tr=udp%3A%2F%2Fc%3A1%2Fannounce'

  it('has the new trackers in place of the first old one, and the rest verbatim', () => {
    expect(rewrite(`magnet:?dn=A%2fb+%&tr=old&xt=urn:btih:${HASH}&TR.2=old&&so=0,2-4&x.pe=[::1]:7`)).toBe(
      `magnet:?dn=A%2fb+%&${TRACKERS}&xt=urn:btih:${HASH}&&so=0,2-4&x.pe=[::1]:7`,
    )
  })

  it('has them at the end where it had no tracker', () => {
    expect(rewrite(`MAGNET:?xt=urn:btih:${HASH}\n`)).toBe(`magnet:?xt=urn:btih:${HASH}&${TRACKERS}`)
  })

  it('is the same after a second rewrite', () => {
    const once = rewrite(`magnet:?tr=old&xt=urn:btih:${HASH}&tr=old`)
    expect(rewrite(once)).toBe(once)
  })

  it('has exactly the given trackers when it is read again', () => {
    expect(readMagnet(rewrite(`magnet:?xt=urn:btih:${HASH}`)).trackers).toEqual([
      'http://a.example:6969/announce?pk=x+y',
      'http://b/announce',
      'udp://c:1/announce',
    ])
  })

  it('keeps its web seeds unless others replace them', () => {
    const magnet = readMagnet(`magnet:?ws=http://old/%20&xt=urn:btih:${HASH}&ws.1=http://older&tr=old`)
    const withWebSeeds = (webSeeds?: string[]) => rewriteMagnet(magnet, [['http://t']], { webSeeds })
    expect(withWebSeeds()).toBe(
      `magnet:?ws=http://old/%20&xt=urn:btih:${HASH}&ws.1=http://older&tr=http%3A%2F%2Ft`,
    )
    expect(withWebSeeds([])).toBe(`magnet:?xt=urn:btih:${HASH}&tr=http%3A%2F%2Ft`)
    expect(withWebSeeds(['http://w/a b&c', 'http://x'])).toBe(
      `magnet:?ws=http%3A%2F%2Fw%2Fa%20b%26c&ws=http%3A%2F%2Fx&xt=urn:btih:${HASH}&tr=http%3A%2F%2Ft`,
    )
  })

  it.each([
    ['a v1 torrent in base32', 'xt=urn:btih:FPFT3KZFHR7IZE2VWM7SMLX23VRQAUEH'],
    ['a v2 torrent', `xt=urn:btmh:1220${HASH_V2}`],
    ['a hybrid', `xt=urn:btih:${HASH}&xt=urn:btmh:1220${HASH_V2}`],
    ['a hybrid with numbers', `xt.1=urn:btmh:1220${HASH_V2}&xt.2=urn:btih:${HASH}`],
  ])('keeps its infohash: %s', (_, topics) => {
    expect(rewrite(`magnet:?${topics}&tr=http%3A%2F%2Fold%2Fannounce&x.pe=10.0.0.1%3A6881`)).toBe(
      `magnet:?${topics}&${TRACKERS}&x.pe=10.0.0.1%3A6881`,
    )
  })
})

describe('the magnet of a torrent', () => {
  const infoHashV1 = Buffer.from(HASH, 'hex')
  const infoHashV2 = Buffer.from(HASH_V2, 'hex')
  const tiers = [['http://a/announce'], ['udp://b:1/announce']]
  const TRACKERS = 'tr=http%3A%2F%2Fa%2Fannounce&tr=udp%3A%2F%2Fb%3A1%2Fannounce'

  it('has its infohashes, its name, the trackers in order, and web seeds', () => {
    expect(
      writeMagnet({ infoHashV1, infoHashV2: undefined, name: 'é & b.iso' }, tiers, {
        webSeeds: ['http://w/'],
      }),
    ).toBe(`magnet:?xt=urn:btih:${HASH}&dn=%C3%A9%20%26%20b.iso&${TRACKERS}&ws=http%3A%2F%2Fw%2F`)
    expect(writeMagnet({ infoHashV1: undefined, infoHashV2, name: undefined }, tiers)).toBe(
      `magnet:?xt=urn:btmh:1220${HASH_V2}&${TRACKERS}`,
    )
    expect(writeMagnet({ infoHashV1, infoHashV2, name: '' }, tiers)).toBe(
      `magnet:?xt=urn:btih:${HASH}&xt=urn:btmh:1220${HASH_V2}&${TRACKERS}`,
    )
  })

  it('has the same infohashes and name when it is read again', () => {
    const magnet = readMagnet(writeMagnet({ infoHashV1, infoHashV2, name: 'a+b %20' }, tiers))
    expect([magnet.infoHashV1, magnet.infoHashV2, magnet.name, magnet.trackers]).toEqual([
      infoHashV1,
      infoHashV2,
      'a+b %20',
      ['http://a/announce', 'udp://b:1/announce'],
    ])
  })
})
