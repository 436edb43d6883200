/** Reference pages contain every row of the tables in the code, and no others. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { refusals } from '../../../src/core/errors.ts'
import { METRIC_PREFIX, metricsTable } from '../../../src/observe/metrics-table.ts'

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
})
