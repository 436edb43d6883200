import { describe, expect, it } from 'vitest'
import { QueryCursor } from '../../../src/wire/http/read-query.ts'

/** Every parameter of a target: its name and its value in hexadecimal, or null where an escape is broken. */
function parameters(target: string): [string, string | null][] {
  const query = new QueryCursor(target)
  const all: [string, string | null][] = []
  while (query.next()) all.push([query.name, query.bytes(1000)?.toString('hex') ?? null])
  return all
}

const valueOf = (raw: string) => parameters(`/announce?x=${raw}`)[0]?.[1]

describe('the query of a target', () => {
  it('begins at the first question mark', () => {
    expect(parameters('/announce?a=1?b=2')).toEqual([['a', '313f623d32']])
  })

  it('is found in an absolute target', () => {
    expect(parameters('http://tracker.example:6969/announce?a=1')).toEqual([['a', '31']])
  })

  it('is empty without a question mark', () => {
    expect(parameters('/announce')).toEqual([])
    expect(parameters('/announce?')).toEqual([])
    expect(parameters('')).toEqual([])
  })

  it('is split at every ampersand, and empty parameters are skipped', () => {
    expect(parameters('/?&&a=1&&b=2&')).toEqual([
      ['a', '31'],
      ['b', '32'],
    ])
  })

  it('is split at the first equals sign of a parameter', () => {
    expect(parameters('/?a=b=c')).toEqual([['a', '623d63']])
  })

  it('may have parameters without a value and without a name', () => {
    expect(parameters('/?a&b=&=c')).toEqual([
      ['a', ''],
      ['b', ''],
      ['', '63'],
    ])
  })
})

describe('a value', () => {
  it.each([
    ['escapes in both cases', '%2b%2B%cB', '2b2bcb'],
    ['a plus, which is not a space', 'a+b', '612b62'],
    ['a NUL', '%00', '00'],
    ['bytes that are not UTF-8', '%ff%C3', 'ffc3'],
    ['characters that clients do not escape', "-_.!~*()';:@,/?$", '2d5f2e217e2a2829273b3a402c2f3f24'],
  ])('keeps %s', (_what, raw, hex) => {
    expect(valueOf(raw)).toBe(hex)
  })

  it.each(['%', '%2', 'a%2', '%zz', '%2z', '%z2', '%-1', '%+1', '%%41', '% 1', '%é1'])(
    'is unreadable with the broken escape %s',
    (raw) => {
      expect(valueOf(raw)).toBeNull()
    },
  )

  it('does not read the digits of an escape from the next parameter', () => {
    expect(parameters('/?a=%4&b=1')).toEqual([
      ['a', null],
      ['b', '31'],
    ])
  })

  it('is read up to the given length and no byte further', () => {
    const query = new QueryCursor('/?a=%41%42%43')
    query.next()
    expect(query.bytes(3)?.toString()).toBe('ABC')
    expect(query.bytes(2)).toBeUndefined()
  })
})

describe('a number', () => {
  it.each([
    ['0', 0],
    ['007', 7],
    ['%31%32', 12],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740991],
    ['9223372036854775807', 9007199254740991],
    ['1'.repeat(400), 9007199254740991],
    ['', -1],
    ['-1', -1],
    ['+1', -1],
    ['1e3', -1],
    ['1.0', -1],
    ['0x10', -1],
    ['%201', -1],
    ['%3', -1],
  ])('is read from %s as %d', (raw, number) => {
    const query = new QueryCursor(`/?n=${raw}`)
    query.next()
    expect(query.decimal()).toBe(number)
  })
})

describe('a second question mark', () => {
  function parametersOf(target: string): string[] {
    const query = new QueryCursor(target)
    const parameters: string[] = []
    while (query.next()) parameters.push(`${query.name}=${query.text() ?? 'unreadable'}`)
    return parameters
  }

  it('before info_hash separates parameters, as clients append a query to a URL that has one', () => {
    expect(parametersOf('/announce?pk=abc?info_hash=x&port=1')).toEqual(['pk=abc', 'info_hash=x', 'port=1'])
    expect(parametersOf('/announce?a=1&pk=abc?info_hash=x')).toEqual(['a=1', 'pk=abc', 'info_hash=x'])
    expect(parametersOf('/announce??info_hash=x')).toEqual(['=', 'info_hash=x'])
  })

  it('elsewhere is part of the value', () => {
    expect(parametersOf('/announce?info_hash=a?b&peer_id=c?d')).toEqual(['info_hash=a?b', 'peer_id=c?d'])
  })
})
