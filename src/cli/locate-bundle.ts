/**
 * The bundle of `locate`, which `bundle-locate.mjs` writes beside the compiled program. The command line uses it in place
 * of some 150 modules.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

/** True for the arguments of a look-up. With the name of another command among them, `runCli` loads that file, which the bundle does not have. */
export function isLookUp([command, ...rest]: readonly string[]): boolean {
  return command === 'locate' && !rest.some((argument) => /^[a-z]+$/.test(argument))
}

export interface LocateBundle {
  readonly script: Script
  readonly exports: typeof import('./run.ts')
}

/**
 * undefined where the program is built without the bundle. `isCompiled`: starts with the compiled code beside it. V8 rejects
 * the code of another version of itself, and compiles the bundle.
 */
export function loadLocateBundle({ isCompiled }: { readonly isCompiled: boolean }): LocateBundle | undefined {
  const path = fileURLToPath(new URL('locate-bundle.cjs', import.meta.url))
  const codePath = path.replace('.cjs', '.code')
  if (!existsSync(path)) return undefined
  // ASCII, which needs no decoder.
  const source = readFileSync(path, 'latin1')
  const cachedData = isCompiled && existsSync(codePath) ? readFileSync(codePath) : undefined
  const script = new Script(`(function (exports, require, __filename) {${source}\n})`, {
    filename: path,
    ...(cachedData && { cachedData }),
  })
  const exports = {} as LocateBundle['exports']
  const run = script.runInThisContext() as (exports: object, require: NodeJS.Require, file: string) => void
  run(exports, createRequire(path), path)
  return { script, exports }
}
