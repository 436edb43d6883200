import { describe, expect, it } from 'vitest'
import { InputError } from '../../../src/core/errors.ts'
import { readMetainfo } from '../../../src/metainfo/metainfo.ts'
import { aTorrent } from '../../a-torrent.ts'

const read = (content: string | Buffer) => readMetainfo(Buffer.from(content), 'x.torrent')
const warningsOf = (content: string | Buffer) => read(content).warnings.map(({ message }) => message)

describe('a file that is not a torrent', () => {
  it.each([
    ['is empty', '', 'x.torrent, byte 0: the file is empty; fetch it again'],
    ['is a web page', '<html>', 'x.torrent, byte 0: a torrent is a bencoded dictionary and begins with "d"'],
    ['is a list', 'le', 'x.torrent, byte 0: a torrent is a bencoded dictionary'],
    [
      'begins like one by chance',
      'debian',
      'x.torrent, byte 2: the torrent ends at byte 2 and more bytes follow',
    ],
    [
      'is cut short',
      'd4:infod4:name5:a.t',
      'x.torrent, byte 14: a string of 5 bytes begins here, and only 3 follow',
    ],
    ['has no info', 'd8:announce3:xyze', 'x.torrent, byte 16: the dictionary has no `info`'],
    ['has a list as info', 'd4:infolee', 'x.torrent, byte 7: `info` must be a dictionary and is a list'],
    [
      'has a number as info',
      'd4:infoi5ee',
      'x.torrent, byte 7: `info` must be a dictionary and is an integer',
    ],
    ['has two infos', 'd4:infode4:infodee', 'x.torrent, byte 9: a second `info` (the first is at byte 1)'],
    [
      'has another file behind it',
      'd4:infodee\n\nd4:infodee',
      'x.torrent, byte 12: the torrent ends at byte 10',
    ],
    ['has a NUL behind it', 'd4:infodee\0', 'x.torrent, byte 10: the torrent ends at byte 10'],
    [
      'nests too deep',
      `d4:infod1:x${'l'.repeat(99)}${'e'.repeat(99)}ee`,
      'x.torrent, byte 109: lists and dictionaries are nested more than 100 deep',
    ],
  ])('is refused with the byte and the remedy: it %s', (_, content, message) => {
    expect(() => read(content)).toThrow(InputError)
    expect(() => read(content)).toThrow(message)
  })
})

describe('a torrent', () => {
  it('may have a hundred levels of nesting', () => {
    expect(read(`d4:infod1:x${'l'.repeat(98)}${'e'.repeat(98)}ee`).info.end).toBe(208)
  })

  it('may be followed by white space', () => {
    expect(warningsOf('d4:infodee \t\r\n')).toEqual([
      'white space follows the torrent at byte 10; rewriting removes it',
    ])
  })

  it('is a v2 torrent when its meta version is 2, and its infohash is the SHA-256 of `info`', () => {
    const metainfo = read('d4:infod9:file treede12:meta versioni2e4:name1:aee')
    expect(metainfo.infoHashV1).toBeUndefined()
    // printf 'd9:file treede12:meta versioni2e4:name1:ae' | sha256sum
    expect(metainfo.infoHashV2?.toString('hex')).toBe(
      '379a40bf2b8b1f6db574e00723db21cf1f3b3da74bac1f0bcffb8bb38bf468c1',
    )
  })

  it('has both hashes when it is a hybrid', () => {
    const metainfo = read('d4:infod9:file treede12:meta versioni2e4:name1:a6:pieces0:ee')
    expect(metainfo.infoHashV1?.toString('hex')).toBe('cd24a25771eede9196b1ec1e17e2751821275c41')
    expect(metainfo.infoHashV2?.toString('hex')).toBe(
      '375424149e690efd99cb389e238e5f9cf889a415e041c318cb75da9410bbfeed',
    )
  })

  it('has a warning for each kind of problem, with the first offset, the count and the clients that disagree', () => {
    const { warnings } = read(aTorrent({ info: 'd1:bi01e1:ali-0ei-0eee' }))
    expect(warnings).toEqual([
      {
        code: 'info-not-canonical',
        problem: 'integer-leading-zero',
        offset: 11,
        count: 1,
        message:
          '`info` is not canonical: an integer with a leading zero at byte 11. ' +
          'Clients compute different infohashes and the swarm splits ' +
          '(aria2 computes another one, Transmission refuses the file); make the torrent again',
      },
      {
        code: 'info-not-canonical',
        problem: 'key-unsorted',
        offset: 15,
        count: 1,
        message: expect.stringContaining(
          'a dictionary key that sorts before the one it follows at byte 15. Clients',
        ) as string,
      },
      {
        code: 'info-not-canonical',
        problem: 'integer-minus-zero',
        offset: 19,
        count: 2,
        message: expect.stringContaining('the integer -0 at byte 19 and 1 more. Clients') as string,
      },
    ])
  })

  it('has a warning about an integer of more than 64 bits, anywhere in the file', () => {
    const said = (offset: number) =>
      `an integer of more than 64 bits at byte ${offset}. ` +
      'libtorrent, aria2 and Transmission refuse the file; make the torrent again'
    expect(warningsOf('d4:infod4:name1:x1:zi99999999999999999999eee')).toContain(said(20))
    expect(warningsOf('d1:ai99999999999999999999e4:infod4:name1:xee')).toContain(said(4))
  })

  it('has a warning that libtorrent refuses it when it is a v2 torrent, unless the problem is -0', () => {
    const v2 = (more: string) => warningsOf(aTorrent({ info: `d12:meta versioni2e${more}e` }))
    expect(v2('1:ai1e')).toEqual([
      '`info` is not canonical: a dictionary key that sorts before the one it follows at byte 26. ' +
        'libtorrent refuses such a v2 or hybrid torrent; make the torrent again',
    ])
    expect(v2('1:zi-0e')[0]).toContain('Clients compute different infohashes')
  })

  it('has a warning about an unsorted top level, and about a repeated key in it', () => {
    const { warnings } = read('d4:infode8:announce1:a7:comment1:b8:announce1:ce')
    expect(warnings).toMatchObject([
      { code: 'outside-not-canonical', problem: 'key-unsorted', offset: 9, count: 2 },
      { code: 'outside-not-canonical', problem: 'key-duplicate', offset: 34, count: 1 },
    ])
  })

  it('may have ten thousand keys at the top level and in `info`, and not one more', () => {
    const keys = (count: number) => '1:ai1e'.repeat(count)
    expect(read(`d${keys(9_999)}4:infod${keys(10_000)}ee`).entries).toHaveLength(10_000)
    expect(() => read(`d${keys(10_000)}4:infodee`)).toThrow(
      'x.torrent, byte 60001: the top level has more than 10000 keys',
    )
    expect(() => read(`d4:infod${keys(10_001)}ee`)).toThrow(
      'x.torrent, byte 60008: `info` has more than 10000 keys',
    )
  })

  it('has a warning about repeated keys outside of `info`, which do not change the infohash', () => {
    expect(warningsOf(aTorrent({ info: 'de', before: '7:comment1:a7:comment1:b' }))).toEqual([
      'not canonical outside of `info`: a repeated dictionary key at byte 13. ' +
        'The infohash does not depend on it',
    ])
  })

  it('has no warning about `info` for problems after it', () => {
    const { warnings } = read(aTorrent({ info: 'de', behind: `1:zl${'i00e'.repeat(500)}e` }))
    expect(warnings).toMatchObject([{ code: 'outside-not-canonical', offset: 13 }])
    expect(warnings[0]?.message).toContain('and 499 more')
  })
})
