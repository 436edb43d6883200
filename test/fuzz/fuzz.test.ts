/** A short fuzzing run of each parser, always with the same inputs. `npm run fuzz` is the long one. */
import { afterAll, describe, expect, test } from 'vitest'
import { SeededRandom } from '../../src/core/random.ts'
import { Mutator } from './mutate.ts'
import { seedsOf } from './seeds.ts'
import { loadTarget, targetNames } from './targets.ts'
import { timedRead } from './timed-read.ts'

const INPUTS = 2_000
/** Other tests use the processor at the same time. The long run has the real limit. */
const READ_MS_MAX = 2_000

const targets = await Promise.all(targetNames.map(loadTarget))

describe.each(targets)('$name', (target) => {
  const seeds = seedsOf(target)
  afterAll(() => target.close?.())

  test('has kept inputs', () => {
    expect(seeds.length).toBeGreaterThan(target.examples.length)
  })

  test('reads or rejects every input, within its properties', async () => {
    const mutator = new Mutator(new SeededRandom(1), target.tokens, target.bytesMax)
    const mutated = Array.from({ length: INPUTS }, () => mutator.next(seeds))
    for (const input of [...seeds, ...mutated]) {
      try {
        await timedRead(target, input, { usualMs: READ_MS_MAX, msMax: READ_MS_MAX })
      } catch (error) {
        throw new Error(`fails for the input ${input.toString('base64')} (base64)`, { cause: error })
      }
    }
    expect(mutated).toHaveLength(INPUTS)
  })
})
