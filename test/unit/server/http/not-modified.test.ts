import { describe, expect, it } from 'vitest'
import { isNotModified } from '../../../../src/server/http/responses.ts'

describe('a version that a client has already', () => {
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
