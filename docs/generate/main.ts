/** `npm run docs`: regenerates every generated file. */
import { writeFileSync } from 'node:fs'
import { generatedFiles } from './generated-files.ts'

for (const { path, content } of await generatedFiles()) {
  writeFileSync(path, content)
  process.stdout.write(`${path}\n`)
}
