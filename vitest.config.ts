import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/provide-missing.ts'],
    setupFiles: ['test/setup/seed.ts'],
    // Longer than any wait inside a test, so that a failed wait reports its own message.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
