import { describe, expect, it } from 'vitest'
import { SourceText } from '../../../src/config/source-text.ts'

function excerptOf(text: string, marked: string): string | undefined {
  const start = text.indexOf(marked)
  return new SourceText('x.yaml', text).problemAt({ start, end: start + marked.length }, { message: 'm' })
    .excerpt
}

describe('an excerpt', () => {
  it('marks the position', () => expect(excerptOf('a: 1\nbc: 2\n', 'bc')).toBe('   2 | bc: 2\n     | ^^'))

  it('keeps tabs aligned', () => expect(excerptOf('\ta:\tb', 'b')).toBe('   1 | \ta:\tb\n     | \t  \t^'))

  it('marks only the first of several lines', () =>
    expect(excerptOf('a: b\nc', 'b\nc')).toBe('   1 | a: b\n     |    ^'))

  it('marks the end of the text', () => {
    const problem = new SourceText('x.yaml', 'a').problemAt({ start: 1, end: 1 }, { message: 'm' })
    expect([problem.line, problem.column, problem.excerpt]).toEqual([1, 2, '   1 | a\n     |  ^'])
  })

  it.each([
    ['token: hunter22 # mine\nx', 'x', '   2 | x\n     | ^'],
    ['token: hunter22, x: 1', 'x', '   1 | token: ********, x: 1\n     |                  ^'],
    [
      '{ "token": "hunter 22", x: 1}',
      'x',
      '   1 | { "token": **********", x: 1}\n     |                         ^',
    ],
    ["token: 'hun", 'token', '   1 | token: ****\n     | ^^^^^'],
    [
      'store: rediss://me:hunter22@r:6379',
      'store',
      '   1 | store: rediss://me:********@r:6379\n     | ^^^^^',
    ],
  ])('of %j shows no secret', (text, marked, excerpt) => expect(excerptOf(text, marked)).toBe(excerpt))

  it('shows a path to a token', () =>
    expect(excerptOf('tokenFile: /run/x', 'tokenFile')).toBe('   1 | tokenFile: /run/x\n     | ^^^^^^^^^'))
})
