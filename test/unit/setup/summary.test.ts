/** The last lines of `npm test`, which contain the result for people and programs. */
import { describe, expect, test } from 'vitest'
import { summarize } from '../../setup/summary.mjs'

describe('the summary of a test run', () => {
  test('ends with the numbers of passed and failed tests', () => {
    expect(summarize(report(['passed', 'passed', 'failed']), 1, '/repo')).toEqual({
      lines: ['2 passed, 1 failed'],
      exitCode: 1,
    })
  })

  test('is a success if everything passed', () => {
    expect(summarize(report(['passed']), 0, '/repo')).toEqual({ lines: ['1 passed, 0 failed'], exitCode: 0 })
  })

  test('names each skipped test with its file', () => {
    expect(summarize(report(['passed', 'skipped', 'todo']), 0, '/repo')).toEqual({
      lines: [
        'Skipped:',
        '  test/a.test.ts: behaviour 1',
        '  test/a.test.ts: behaviour 2',
        '1 passed, 0 failed, 2 skipped',
      ],
      exitCode: 0,
    })
  })

  test('counts a file that could not be loaded as a failure', () => {
    expect(summarize(report([], 'failed'), 1, '/repo')).toEqual({
      lines: ['0 passed, 1 failed'],
      exitCode: 1,
    })
  })

  test('is a failure if the runner failed although every test passed', () => {
    expect(summarize(report(['passed']), 1, '/repo')).toEqual({
      lines: ['The test runner failed outside any test; see above.', '1 passed, 1 failed'],
      exitCode: 1,
    })
  })

  test('is a failure if the runner was killed before it wrote a report', () => {
    expect(summarize(undefined, null, '/repo')).toEqual({
      lines: ['The test runner failed outside any test; see above.', '0 passed, 1 failed'],
      exitCode: 1,
    })
  })

  test('is a failure if no test ran', () => {
    expect(summarize(report(['skipped']), 0, '/repo')).toEqual({
      lines: [
        'Skipped:',
        '  test/a.test.ts: behaviour 0',
        'No test was executed.',
        '0 passed, 1 failed, 1 skipped',
      ],
      exitCode: 1,
    })
  })
})

function report(statuses: readonly string[], status = statuses.includes('failed') ? 'failed' : 'passed') {
  const assertionResults = statuses.map((each, index) => ({ status: each, fullName: `behaviour ${index}` }))
  return { testResults: [{ name: '/repo/test/a.test.ts', status, message: '', assertionResults }] }
}
