/**
 * Reports a figure for docs/measurements.md: prints it with `HOSTILE_FIGURES=1`, and appends it to the file that this
 * variable names otherwise. Tests assert on ratios of the same run, or on counts, only.
 */
import { appendFileSync } from 'node:fs'

export function reportFigure(text: string): void {
  const target = process.env['HOSTILE_FIGURES']
  if (target === '1') process.stdout.write(`${text}\n`)
  else if (target !== undefined) appendFileSync(target, `${text}\n`)
}
