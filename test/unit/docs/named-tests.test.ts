/** The documents name tests, folders of tests and commands that exist; each attack of docs/security.md names its test. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const DOCUMENTS = [
  'docs/security.md',
  'docs/measurements.md',
  'SECURITY.md',
  'docs/ARCHITECTURE.md',
  'CONTRIBUTING.md',
]
const read = (path: string) => readFileSync(path, 'utf8')

/** Paths below `test/` in code spans; `…` and capitals stand for any name. */
function testPathsOf(markdown: string): string[] {
  return [...markdown.matchAll(/`[^`\n]*?(test\/[\w./-]+)[^`\n]*`/g)]
    .map(([, path = '']) => path.replace(/[./]$/, ''))
    .filter((path) => !/[A-Z]{2}/.test(path))
}

it.each(DOCUMENTS)('the tests that %s names exist', (document) => {
  expect(testPathsOf(read(document)).filter((path) => !existsSync(path))).toEqual([])
})

/** Sections of docs/security.md, by heading. */
function sections(): ReadonlyMap<string, string> {
  const parts = read('docs/security.md').split(/^## /m).slice(1)
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part]))
}

describe('docs/security.md', () => {
  it.each([...sections()].filter(([heading]) => heading !== 'What one attacker can still do'))(
    'names a test of: %s',
    (_heading, text) => {
      const named = testPathsOf(text)
      expect(named.length).toBeGreaterThan(0)
      for (const path of named) {
        // A folder is a test of its files.
        const files = statSync(path).isDirectory() ? readdirSync(path) : [path]
        expect(files.some((file) => file.endsWith('.test.ts'))).toBe(true)
      }
    },
  )

  it('names every test of test/hostile', () => {
    const named = new Set(testPathsOf(read('docs/security.md')))
    const tests = readdirSync('test/hostile').filter((name) => name.endsWith('.test.ts'))
    expect(tests.map((name) => `test/hostile/${name}`).filter((path) => !named.has(path))).toEqual([])
  })
})

it('the benchmarks that docs/measurements.md names exist', () => {
  const named = [...read('docs/measurements.md').matchAll(/npm run bench -- ([a-z-]+)/g)].map(
    ([, name]) => name,
  )
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter((name) => !existsSync(`bench/${name}.ts`))).toEqual([])
})
