/** A short soak: announces with churn, a reload, scrapes and a Redis that loses its data, as in `npm run bench -- soak`. */
import { describe, expect, test } from 'vitest'
import { SEEDS, soak } from '../../bench/hostile/soak-run.ts'
import { needs } from '../setup/needs.ts'

describe.skipIf(needs('redis-server'))('a node under load', () => {
  test(
    'refuses no announce and loses no seed while it reloads and Redis loses its data',
    { timeout: 240_000 },
    async () => {
      const result = await soak({ parts: 4, seconds: 4, rate: 400 }, () => undefined)
      expect(result.announced).toBe(4 * 4 * 400)
      expect(result.refused).toBe(0)
      expect(result.seedsBefore).toBe(SEEDS)
      expect(result.seedsAfter).toBe(SEEDS)
    },
  )
})
