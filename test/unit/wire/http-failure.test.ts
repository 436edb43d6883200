import { describe, expect, it } from 'vitest'
import { quoteForReason, writeFailure } from '../../../src/wire/http/failure.ts'

describe('a failure', () => {
  it('counts the bytes of its reason, not the characters', () => {
    expect(Buffer.from(writeFailure('é'), 'latin1').toString('utf8')).toBe(
      'd14:failure reason2:é8:intervali60e12:min intervali60ee',
    )
  })
})

describe('received text in a reason', () => {
  it('is quoted', () => {
    expect(quoteForReason('tracker.example')).toBe('"tracker.example"')
  })

  it('has a question mark for each byte that is not printable ASCII', () => {
    expect(quoteForReason('a\r\n\u001b[31mé')).toBe('"a???[31m?"')
  })

  it('is cut to 60 characters', () => {
    expect(quoteForReason('x'.repeat(60))).toBe(`"${'x'.repeat(60)}"`)
    expect(quoteForReason('x'.repeat(61))).toBe(`"${'x'.repeat(60)}…"`)
  })
})
