/**
 * Global set-up of vitest: finds the missing requirements once and provides them to every test file, so that
 * `npx vitest` skips the same tests as `npm test`. Adds sbin to the PATH for the same reason.
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
