/**
 * Three groups of test files, one after the other. Most files of `test/system` and `test/hostile` wait for processes and timers,
 * so that three of them at a time finish earlier, also with two cores. Their nodes have free ports and folders of their own.
 */
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Files that run alone, by the reason. */
const alone = [
  // The time of an answer, a rate, or the processor time of a node is what they test.
  'hostile/deferred-announces',
  'hostile/hash-flood',
  'hostile/large-topology',
  'hostile/wrong-tokens',
  'system/gateway-election',
  'system/held-rollouts',
  'system/http-abuse',
  'system/http-abuse-without-lane',
  // They start a browser, or a network of their own with shaped links.
  'system/dashboard',
  'system/lab-smoke',
  'system/proxies',
  'system/quick-start',
].map((file) => `test/${file}.test.ts`)

const waiting = ['test/system/**/*.test.ts', 'test/hostile/**/*.test.ts']

const settings = {
  setupFiles: ['test/setup/seed.ts'],
  // Longer than any wait inside a test, so that a failed wait reports its own message.
  testTimeout: 240_000,
  hookTimeout: 240_000,
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
          maxWorkers: Math.max(availableParallelism() - 1, 2),
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
