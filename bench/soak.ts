/**
 * A node with a real Redis for a long time: announces with churn, reloads, restarts of Redis that lose its data, scrapes.
 * Prints the heap once a minute and its slope, announces that were refused or not answered, and seeds that were lost.
 *
 * The node is the built program (`npm run build`). Needs redis-server.
 *
 * Usage: soak [--minutes 60] [--rate 2000]
 */
import { parseArgs } from 'node:util'
import { soak } from './hostile/soak-run.ts'

const { values: given } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, rate: { type: 'string', default: '2000' } },
})
const minutes = Number(given.minutes)
const parts = Math.max(4, Math.round(minutes))
const seconds = (minutes * 60) / parts

const result = await soak({ parts, seconds, rate: Number(given.rate) }, (line) => console.log(line))
const { announced, refused, missing, seedsBefore, seedsAfter, heaps } = result
const mibAnHour = (slopeOf(heaps) * 3600) / seconds / (1 << 20)
console.log(
  `${announced} announces: ${refused} refused, ${missing} not answered; seeds ${seedsBefore} → ${seedsAfter}; ` +
    `heap ${mibAnHour.toFixed(1)} MiB an hour`,
)
if (refused > 0 || seedsAfter < seedsBefore) process.exitCode = 1

/** Growth a part, by least squares. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  let [above, below] = [0, 0]
  for (const [index, value] of values.entries()) {
    above += (index - middle) * (value - mean)
    below += (index - middle) ** 2
  }
  return below === 0 ? 0 : above / below
}
