/** Prints a figure for docs/measurements.md with `HOSTILE_FIGURES=1`; tests assert on ratios of the same run only. */
export function reportFigure(text: string): void {
  if (process.env['HOSTILE_FIGURES'] !== undefined) process.stdout.write(`${text}\n`)
}
