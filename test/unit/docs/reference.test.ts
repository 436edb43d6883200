/** Reference pages contain every row of the tables in the code, and no others. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { commands } from '../../../src/cli/commands.ts'
import { refusals } from '../../../src/core/errors.ts'
import { METRIC_PREFIX, metricsTable } from '../../../src/observe/metrics-table.ts'
import { siteKeys } from '../../../src/replication/redis/keys.ts'

/** Code spans of the first cell of each row below this heading of a table. */
function firstCells(file: string, heading: string): string[][] {
  const [, table = ''] = readFileSync(file, 'utf8').split(`\n${heading}\n`)
  return table
    .split('\n\n')[0]!
    .split('\n')
    .slice(1)
    .map((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? ''))
}

describe('docs/reference', () => {
  test('errors.md has a paragraph for each code, and no others', () => {
    const sections = readFileSync('docs/reference/errors.md', 'utf8').split(/^### /m).slice(1)
    const documented = sections.map((section) => section.split('\n')[0])

    expect(new Set(documented)).toEqual(new Set(Object.keys(refusals)))
    expect(documented).toHaveLength(Object.keys(refusals).length)
    for (const section of sections) expect(section.split(/\n+/)[1]).toMatch(/^[A-Z`].{40,}/)
  })

  test('metrics.md has the row of each metric, in the order of the table, and no others', () => {
    const documented = readFileSync('docs/reference/metrics.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`| \`${METRIC_PREFIX}`))

    expect(documented).toEqual(
      metricsTable.map(({ name, type, labels, help }) => {
        const shown = labels.map((label) => `\`${label}\``).join(', ')
        return `| \`${METRIC_PREFIX}${name}\` | ${type} | ${shown} | ${help} |`
      }),
    )
  })

  test('api.md has each route of the operator, and no others', () => {
    const folder = 'src/server/admin/routes'
    const declared = readdirSync(folder).flatMap((file) =>
      [
        ...readFileSync(`${folder}/${file}`, 'utf8').matchAll(
          /\.(get|post|put|patch|delete)(?:<[^(]*>)?\(\s*'([^']+)'/g,
        ),
      ].map(([, method = '', path]) => `${method.toUpperCase()} ${path}`),
    )
    const documented = firstCells('docs/reference/api.md', '| route | response |').flatMap((spans) => {
      const method = spans[0]?.split(' ')[0]
      return spans.map((span) => {
        const path = span
          .split(' ')
          .at(-1)
          ?.replace(/[[?].*$/, '')
          .replace('INFOHASH', ':infoHash')
          .replace('NAME', ':name')
          .replace('ADDRESS', ':ip')
        return `${method} ${path}`
      })
    })

    expect(declared.length).toBeGreaterThan(15)
    // The routes under /federation are for the nodes of other sites.
    const operators = declared.filter((route) => !route.includes('/federation/'))
    expect(documented.toSorted()).toEqual([...operators, 'GET /openapi.json'].toSorted())
  })

  test('api.md has each code of a problem, and no others', () => {
    const files = readdirSync('src/server/admin', { recursive: true, encoding: 'utf8' })
    const sources = files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(`src/server/admin/${file}`, 'utf8'))
    const literal = sources.flatMap((source) =>
      [...source.matchAll(/(?:ApiError\(\s*\w+,\s*|code: )'([a-z]+(?:-[a-z]+)+|internal)'/g)].map(
        ([, code = '']) => code,
      ),
    )
    // Codes of parameters with a list of values are made of their names.
    const made = sources.flatMap((source) =>
      [...source.matchAll(/oneOf\('(\w+)'/g)].map(([, name = '']) => `${name}-unknown`),
    )
    const warnings = ['origin-unusable', 'origin-unreadable', 'federation-missing']
    const codes = new Set([...literal, ...made].filter((code) => !warnings.includes(code)))
    const documented = firstCells('docs/reference/api.md', '| code | status | |').flat()

    expect(codes.size).toBeGreaterThan(25)
    expect(documented.toSorted()).toEqual([...codes].toSorted())
  })

  test('redis.md has each key, and no others', () => {
    const keys = Object.values(siteKeys('fra')).map((key: string | ReturnType<typeof siteKeys>['lease']) =>
      (typeof key === 'string' ? key : key(Buffer.alloc(20), 'SITE'))
        .replace('siteswarm:{fra}:', '')
        .replace('0'.repeat(40), 'HASH'),
    )
    const documented = firstCells('docs/reference/redis.md', '| key | type | content |').flat()

    expect(documented.toSorted()).toEqual(keys.toSorted())
  })
})

describe('a command', () => {
  test.each(commands.map(({ name, load }) => [name, load] as const))(
    '%s has two examples',
    async (name, load) => {
      const { examples } = await load()
      expect(examples.length).toBeGreaterThanOrEqual(2)
      for (const example of examples) expect(example).toContain(`siteswarm ${name}`)
    },
  )

  test('has a row in README.md, in any order', () => {
    const documented = firstCells('README.md', '| command | |')
      .flat()
      .map((span) => span.replace(/ .*/, ''))
    expect(documented.toSorted()).toEqual(commands.map(({ name }) => name).toSorted())
  })
})
