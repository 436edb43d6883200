/**
 * Vitest's global set-up: works out once what this machine lacks and hands it to every test file, so that
 * `npx vitest` skips the same tests as `npm test`. Programs in sbin are put within reach, for the same reason.
 */
import { delimiter } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findMissing, searchPath } from './find-missing.mjs'

export default function provideMissing(project: TestProject): void {
  process.env['PATH'] = searchPath().join(delimiter)
  project.provide('missing', findMissing())
}

declare module 'vitest' {
  interface ProvidedContext {
    missing: string[]
  }
}
