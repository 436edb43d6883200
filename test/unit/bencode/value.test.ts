import { describe, expect, it } from 'vitest'
import {
  type BencodeValue,
  dictionaryEntries,
  integerOf,
  listItems,
  textOf,
} from '../../../src/bencode/value.ts'

function itemsOf(content: string): { bytes: Buffer; items: BencodeValue[] } {
  const bytes = Buffer.from(content)
  return { bytes, items: [...listItems(bytes, 0)] }
}

describe('reading scanned bencoding', () => {
  it('yields the entries of a dictionary in file order, duplicates included', () => {
    const bytes = Buffer.from('xxd1:bl1:zd1:ai0eee1:ai7e1:b2:hie')
    const entries = [...dictionaryEntries(bytes, 2)].map(
      ({ start, key, value }) => `${start} ${key.toString()} ${value.kind} ${value.start}-${value.end}`,
    )
    expect(entries).toEqual(['3 b list 6-19', '19 a integer 22-25', '25 b string 28-32'])
  })

  it('yields the items of a list without their content', () => {
    const { items } = itemsOf('lli1eei2e0:dee')
    expect(items.map(({ kind, start, end }) => `${kind} ${start}-${end}`)).toEqual([
      'list 1-6',
      'integer 6-9',
      'string 9-11',
      'dictionary 11-13',
    ])
  })

  it('reads exact integers, and none that would be rounded', () => {
    const { bytes, items } = itemsOf('li0ei-5ei007ei9007199254740991ei9007199254740992e1:7e')
    expect(items.map((item) => integerOf(bytes, item))).toEqual([
      0,
      -5,
      7,
      9007199254740991,
      undefined,
      undefined,
    ])
  })

  it('reads strings as UTF-8, with U+FFFD for invalid bytes', () => {
    const { bytes, items } = itemsOf('l3:é!i5ee')
    expect(items.map((item) => textOf(bytes, item))).toEqual(['é!', undefined])
    expect(
      textOf(Buffer.from([0x31, 0x3a, 0xff]), { kind: 'string', start: 0, contentStart: 2, end: 3 }),
    ).toBe('\ufffd')
  })
})
