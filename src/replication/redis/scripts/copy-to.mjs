// @ts-check
/**
 * Copies the Lua scripts to the compiled program, which reads them from there: the compiler copies no other files. Part of
 * every build: `node copy-to.mjs dist`.
 */
import { cpSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const own = dirname(fileURLToPath(import.meta.url))
const root = join(own, '../../../..')

/** @param {string} output the directory with the compiled src/, relative to the package */
export function copyScripts(output) {
  cpSync(own, join(root, output, 'replication/redis/scripts'), {
    recursive: true,
    filter: (path) => path === own || path.endsWith('.lua'),
  })
}

const [, program, output] = process.argv
if (program === fileURLToPath(import.meta.url) && output !== undefined) copyScripts(output)
