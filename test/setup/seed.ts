/**
 * Seed of the property tests: a number in TEST_SEED, otherwise a new one for each run. A failure prints its
 * seed. The integration sets it from the commit, so that a commit passes or fails the same way each time.
 */
import fc from 'fast-check'

const seed = Number(process.env.TEST_SEED)
if (process.env.TEST_SEED && Number.isSafeInteger(seed)) fc.configureGlobal({ seed })
