import { describe, expect, it } from 'vitest'
import type { EncodingProblem } from '../../../src/bencode/encoding-problem.ts'
import { BencodeScanner, KEYS_HELD_MAX, NESTING_MAX } from '../../../src/bencode/scanner.ts'
import { InputError } from '../../../src/core/errors.ts'

function scan(content: string | Buffer, start = 0): { end: number; problems: EncodingProblem[] } {
  const problems: EncodingProblem[] = []
  const bytes = Buffer.from(content)
  const scanner = new BencodeScanner(bytes, 'x.torrent', start, (kind, offset) =>
    problems.push({ kind, offset }),
  )
  while (scanner.next() !== undefined);
  return { end: scanner.end, problems }
}

const problemsOf = (content: string) =>
  scan(content).problems.map(({ kind, offset }) => `${kind} @ ${offset}`)

describe('the bencode scanner', () => {
  it('reports the start, the start of the content and the end of each token', () => {
    const scanner = new BencodeScanner(Buffer.from('d2:abli-7e0:ee'), 'x.torrent')
    const tokens: string[] = []
    for (let token = scanner.next(); token !== undefined; token = scanner.next()) {
      tokens.push(`${token} ${scanner.start} ${scanner.contentStart} ${scanner.end}`)
    }
    expect(tokens).toEqual([
      'dictionary 0 0 1',
      'key 1 3 5',
      'list 5 5 6',
      'integer 6 7 10',
      'string 10 12 12',
      'end 12 12 13',
      'end 13 13 14',
    ])
  })

  it('stops after the first value', () => {
    expect(scan('i1ei2e').end).toBe(3)
    expect(scan('3:abcxyz').end).toBe(5)
    expect(scan('dexyz').end).toBe(2)
  })

  it('starts at the given offset', () => {
    expect(scan('junkli5ee', 4).end).toBe(9)
  })

  it('skips a container to its end, and does not move at other values', () => {
    const scanner = new BencodeScanner(Buffer.from('lld1:ai0eeei9ee'), 'x.torrent')
    scanner.next()
    scanner.next()
    scanner.skip()
    expect(scanner.end).toBe(11)
    expect(scanner.next()).toBe('integer')
    scanner.skip()
    expect(scanner.end).toBe(14)
  })

  it.each([
    ['', 0, 'the data ends here'],
    ['x', 0, 'no value begins with "x" (0x78)'],
    ['e', 0, 'no value begins with "e" (0x65)'],
    ['-1:', 0, 'no value begins with "-" (0x2d)'],
    ['l\u0000', 1, 'no value begins with 0x00'],
    ['i5', 2, 'the data ends inside an integer'],
    ['ie', 0, 'an integer has no digits'],
    ['i-e', 0, 'an integer has no digits'],
    ['i--1e', 2, 'an integer contains "-" (0x2d)'],
    ['i+1e', 1, 'an integer contains "+" (0x2b)'],
    ['i1.5e', 2, 'an integer contains "." (0x2e)'],
    ['l1', 2, 'the data ends inside the length of a string'],
    ['1x:', 1, 'the length of a string contains "x" (0x78)'],
    ['li0e5:abcd', 4, 'a string of 5 bytes begins here, and only 4 follow'],
    ['99999999999999999999:a', 0, 'a string is longer than the file that it is in'],
    ['l', 1, 'the data ends here'],
    ['d1:a', 4, 'the data ends here'],
    ['di1ei2ee', 1, 'a dictionary key must be a string, and none begins with "i" (0x69)'],
    ['d1:ae', 4, 'a dictionary ends after a key that has no value'],
  ])('refuses %j at byte %i: %s', (content, offset, what) => {
    expect(() => scan(content)).toThrow(InputError)
    expect(() => scan(content)).toThrow(`x.torrent, byte ${offset}: ${what}; `)
  })

  it('names the remedy for a file that is cut short and for one that is not a torrent', () => {
    expect(() => scan('5:ab')).toThrow('the file is cut short, fetch it again')
    expect(() => scan('lxe')).toThrow('no client reads such a torrent, make or fetch it again')
  })

  it('reads a length of a thousand digits without overflow', () => {
    expect(() => scan(`${'9'.repeat(1000)}:a`)).toThrow('a string is longer than the file')
    expect(problemsOf(`${'0'.repeat(1000)}1:a`)).toEqual(['length-leading-zero @ 0'])
  })

  it('accepts nesting up to the limit and refuses one more level', () => {
    expect(scan('l'.repeat(NESTING_MAX) + 'e'.repeat(NESTING_MAX)).end).toBe(200)
    expect(() => scan('l'.repeat(NESTING_MAX + 1))).toThrow(
      'byte 100: lists and dictionaries are nested more than 100 deep',
    )
  })

  it('refuses a megabyte of opening brackets without running out of stack', () => {
    expect(() => scan(Buffer.alloc(1 << 20, 'd1:a'))).toThrow('nested more than 100 deep')
  })

  it('accepts a dictionary of a million keys and refuses one more', () => {
    const keys = (count: number) => {
      const entries = Buffer.alloc(2 + count * 11, '7:0000000le')
      entries[0] = 0x64
      for (let key = 0; key < count; key++) {
        entries.write(`7:${String(key).padStart(7, '0')}le`, 1 + key * 11, 'latin1')
      }
      entries[entries.length - 1] = 0x65
      return entries
    }
    expect(scan(keys(KEYS_HELD_MAX))).toEqual({ end: 11_000_002, problems: [] })
    expect(() => scan(keys(KEYS_HELD_MAX + 1))).toThrow('more than 1000000 keys')
  })

  it('counts the keys of nested dictionaries together, and not those of finished ones', () => {
    const half = `d${'0:0:'.repeat(KEYS_HELD_MAX / 2 - 1)}`
    expect(scan(`${half}1:a${half}1:bi1eee`).end).toBe(4_000_005)
    expect(() => scan(`${half}1:a${half}1:bi1e1:ci1eee`)).toThrow(
      'byte 4000003: a dictionary and those around it have more than 1000000 keys',
    )
    expect(scan(`l${`${half}e`.repeat(3)}e`).end).toBe(5_999_996)
  })
})

describe('an encoding problem', () => {
  it.each([
    ['i03e', ['integer-leading-zero @ 0']],
    ['i-03e', ['integer-leading-zero @ 0']],
    ['i00e', ['integer-leading-zero @ 0']],
    ['li0ei-0ee', ['integer-minus-zero @ 4']],
    ['i9223372036854775807e', []],
    ['li1ei9223372036854775808ee', ['integer-too-large @ 4']],
    ['i-9223372036854775808e', []],
    ['i-9223372036854775809e', ['integer-too-large @ 0']],
    ['i10000000000000000000e', ['integer-too-large @ 0']],
    ['l01:ae', ['length-leading-zero @ 1']],
    ['00:', ['length-leading-zero @ 0']],
    ['d1:bi1e1:ai2ee', ['key-unsorted @ 7']],
    ['d1:ai1e1:ai2ee', ['key-duplicate @ 7']],
    ['d2:aa0:1:b0:2:aa0:e', ['key-unsorted @ 12', 'key-duplicate @ 12']],
    ['d1:a0:1:a0:1:a0:e', ['key-duplicate @ 6', 'key-duplicate @ 11']],
    ['d01:a0:e', ['length-leading-zero @ 1']],
    ['d1:b0:1:ad1:y0:1:x0:ee', ['key-unsorted @ 6', 'key-unsorted @ 15']],
  ])('is reported with its offset in %s', (content, expected) => {
    expect(problemsOf(content)).toEqual(expected)
  })

  it.each(['i0e', '0:', 'de', 'd0:0:1:a0:e', 'd1:a0:2:aa0:1:b0:e', 'i-1e'])(
    'is not found in %s',
    (content) => {
      expect(problemsOf(content)).toEqual([])
    },
  )

  it('compares keys as bytes, not as text', () => {
    // U+FF5E is ef bd 9e and sorts before U+1F600, f0 9f 98 80; as UTF-16 it is the reverse.
    expect(problemsOf('d3:～0:4:😀0:e')).toEqual([])
    expect(problemsOf('d4:😀0:3:～0:e')).toEqual(['key-unsorted @ 9'])
  })
})
