/** Resolves paths relative to the repository root, from the source and from its compiled copy in `dist-stack/`. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export function repositoryPath(relative: string): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory)
  return join(directory, relative)
}
