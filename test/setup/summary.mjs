// @ts-check
/**
 * Computes the last lines of `npm test` from vitest's JSON report: the skipped tests and the counts.
 *
 * Failures that the report does not count are added: a file that could not be loaded, a rejection that no test awaited,
 * and a run without any test.
 */

/**
 * @typedef {object} Report the fields of vitest's JSON that are used
 * @property {readonly { name: string, status: string, message: string,
 *   assertionResults: readonly { status: string, fullName: string }[] }[]} testResults
 */

/**
 * @param {Report | undefined} report undefined if the run ended before it wrote one
 * @param {number | null} exitCode of vitest
 * @param {string} root of the repository, to shorten file names
 */
export function summarize(report, exitCode, root) {
  let passed = 0
  let failed = 0
  /** @type {string[]} */
  const skipped = []
  for (const file of report?.testResults ?? []) {
    let failedHere = 0
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++
      else if (test.status === 'failed') failedHere++
      else skipped.push(`${file.name.replace(`${root}/`, '')}: ${test.fullName}`)
    }
    if (file.status === 'failed' && failedHere === 0) failedHere = 1
    failed += failedHere
  }

  /** @type {string[]} */
  const lines = []
  if (skipped.length > 0) lines.push('Skipped:', ...skipped.map((test) => `  ${test}`))
  if (failed === 0 && exitCode !== 0) {
    lines.push('The test runner failed outside any test; see above.')
    failed = 1
  } else if (failed === 0 && passed === 0) {
    lines.push('No test was executed.')
    failed = 1
  }
  const counts = `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`
  return { lines: [...lines, counts], exitCode: failed > 0 ? 1 : 0 }
}
