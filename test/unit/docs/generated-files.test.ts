/** The generated files in the repository match the schemas. `npm run docs` regenerates them. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generatedFiles } from '../../../docs/generate/generated-files.ts'

describe('generated files', async () => {
  for (const { path, content } of await generatedFiles()) {
    it(`${path} matches its schema`, () => expect(readFileSync(path, 'utf8')).toBe(content))
  }
})
