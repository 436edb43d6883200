import { describe, expect, it } from 'vitest'
import { readRangeHeader } from '../../../../src/server/http/range-response.ts'

describe('the requested part of a file of 100 bytes', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=0-99', 0, 100],
    ['bytes=10-', 10, 100],
    ['bytes=99-', 99, 100],
    ['bytes=0-1000', 0, 100],
    ['bytes=-1', 99, 100],
    ['bytes=-100', 0, 100],
    ['bytes=-1000', 0, 100],
    ['Bytes= 5-6 ', 5, 7],
  ])('%s is bytes %i to %i', (header, startByte, endByte) => {
    expect(readRangeHeader(header, 100)).toEqual({ startByte, endByte })
  })

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=-',
    'bytes=5-4',
    'bytes=0-1,3-4',
    'bytes=a-b',
    'bytes=0x1-2',
    'bits=0-1',
    'bytes=1-2x',
    'bytes=--5',
  ])('is the whole file for %j', (header) => {
    expect(readRangeHeader(header, 100)).toBe('whole')
  })

  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=99999999999999999999-'])(
    'does not exist for %s',
    (header) => {
      expect(readRangeHeader(header, 100)).toBe('unsatisfiable')
    },
  )

  it('does not exist in an empty file', () => {
    expect(readRangeHeader('bytes=0-', 0)).toBe('unsatisfiable')
    expect(readRangeHeader('bytes=-5', 0)).toBe('unsatisfiable')
  })
})
