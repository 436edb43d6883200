/** Finds every form of an import, because the architecture test misses what this scanner misses. */
import { describe, expect, test } from 'vitest'
import { blankComments, readImports } from '../../architecture/read-imports.ts'

describe('the import scanner', () => {
  test.each([
    ["import { a } from './a.ts'", './a.ts'],
    ["import type { A } from './a.ts'", './a.ts'],
    ["import { type A, b } from '../room/a.ts'", '../room/a.ts'],
    ["import a, * as b from './a.ts'", './a.ts'],
    ["import './a.ts'", './a.ts'],
    ['import a from "a"', 'a'],
    ["import data from './a.json' with { type: 'json' }", './a.json'],
    ["export { a } from './a.ts'", './a.ts'],
    ["export type * from './a.ts'", './a.ts'],
    ["const a = await import('./a.ts')", './a.ts'],
    ["let a: import('./a.ts').A", './a.ts'],
    ["const a = require('./a.cjs')", './a.cjs'],
  ])('finds %s', (source, from) => {
    expect(readImports(source)).toEqual([{ line: 1, from }])
  })

  test('finds an import over several lines, and gives the line it starts on', () => {
    const source = "/** Header. */\n\nimport {\n  a,\n  b,\n} from './a.ts'\nimport { c } from 'c'\n"
    expect(readImports(source)).toEqual([
      { line: 3, from: './a.ts' },
      { line: 7, from: 'c' },
    ])
  })

  test('reports a computed name', () => {
    expect(readImports('const a = await import(name)')).toEqual([{ line: 1, from: undefined }])
  })

  test('ignores comments, even with quotes and slashes in them', () => {
    const source = [
      "// import { a } from './a.ts'",
      "/* It's import('./b.ts'). */",
      "const url = 'http://x.example' // isn't one",
      "import { c } from './c.ts'",
    ].join('\n')
    expect(readImports(source)).toEqual([{ line: 4, from: './c.ts' }])
  })

  test('skips a regular expression that contains a quote or a comment', () => {
    const source = "const form = /['/*]/\nimport { c } from './c.ts' // '\n"
    expect(readImports(source)).toEqual([{ line: 2, from: './c.ts' }])
  })

  test('ignores an export without a module', () => {
    expect(readImports("export const from = 'x'\nexport function a(): string { return 'from' }\n")).toEqual(
      [],
    )
  })
})

test('blanking a comment keeps every position', () => {
  expect(blankComments("a /* b\nc */ d // e\n'// f'")).toBe("a     \n     d     \n'// f'")
})
