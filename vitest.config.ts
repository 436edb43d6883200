/**
 * Three groups of test files, one after the other. Most files of `test/system` and `test/hostile` wait for processes and timers,
 * so that three of them at a time finish earlier, also with two cores. Their nodes have free ports and folders of their own.
 */
import { defineConfig } from 'vitest/config'

/** Files that run alone, by the reason. All others of these folders may run beside each other. */
const alone = [
  // They state how long an answer takes, at which rate bytes arrive, or what something costs in processor time.
  ...[
    'hostile/deferred-announces',
    'hostile/hash-flood',
    'hostile/large-topology',
    'hostile/wrong-tokens',
    'system/announce-lane',
    'system/check-online',
    'system/held-rollouts',
    'system/http-abuse',
    'system/http-abuse-without-lane',
    'system/observers',
    'system/soak',
  ],
].map((file) => `test/${file}.test.ts`)

const waiting = ['test/system/**/*.test.ts', 'test/hostile/**/*.test.ts']

const settings = {
  setupFiles: ['test/setup/seed.ts'],
  // Longer than any wait inside a test, so that a failed wait reports its own message.
  testTimeout: 120_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  test: {
    // Not in the projects, each of which would run it.
    globalSetup: ['test/setup/provide-missing.ts'],
    projects: [
      {
        test: {
          ...settings,
          name: 'code',
          include: ['test/**/*.test.ts'],
          exclude: waiting,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...settings,
          name: 'beside',
          include: waiting,
          exclude: alone,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...settings, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
})
