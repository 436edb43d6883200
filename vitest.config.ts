import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/provide-missing.ts'],
    // How long a test may take that has failed, and longer than any wait inside one, so that the wait says what it was for.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
