/** What is generated from the schemas is what is in the repository. `npm run docs` writes it anew. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generatedFiles } from '../../../docs/generate/generated-files.ts'

describe('generated files', async () => {
  for (const { path, content } of await generatedFiles()) {
    it(`${path} is as its schema says`, () => expect(readFileSync(path, 'utf8')).toBe(content))
  }
})
