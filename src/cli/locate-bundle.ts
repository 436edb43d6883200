/**
 * The bundle of `locate`, which `bundle-locate.mjs` writes beside the compiled program. The command line uses it in place
 * of some 150 modules.
 */
import type { Script } from 'node:vm'
import type { CommandContext, ExitCode, exitCodes } from './command.ts'

/** Not imported, which would be another module to load. */
const CONFIGURATION: typeof exitCodes.configuration = 78

/** True for the arguments of a look-up. With the name of another command among them, `runCli` loads that file, which the bundle does not have. */
export function isLookUp([command, ...rest]: readonly string[]): boolean {
  return command === 'locate' && !rest.some((argument) => /^[a-z]+$/.test(argument))
}

export interface LocateBundle {
  readonly script: Script
  readonly exports: typeof import('./run.ts')
}

/**
 * Runs a look-up. undefined where the files have to run it, and nothing was printed: for a topology with problems, which
 * the bundle cannot explain as it has no descriptions of the keys.
 */
export async function lookUp(
  bundle: LocateBundle,
  argv: readonly string[],
  context: Omit<CommandContext, 'nowMs'>,
): Promise<ExitCode | undefined> {
  const lines: string[] = []
  const { runCli, systemClock } = bundle.exports
  const exitCode = await runCli(argv, {
    ...context,
    err: (line) => void lines.push(line),
    nowMs: () => systemClock.nowMs(),
  })
  if (exitCode === CONFIGURATION) return undefined
  for (const line of lines) context.err(line)
  return exitCode
}

/**
 * undefined where the program is built without the bundle. `isCompiled`: starts with the compiled code beside it. V8 rejects
 * the code of another version of itself, and compiles the bundle.
 */
export function loadLocateBundle({ isCompiled }: { readonly isCompiled: boolean }): LocateBundle | undefined {
  // Not imported: an imported module of Node has all of its parts loaded, as each is an export.
  const { existsSync, readFileSync } = process.getBuiltinModule('node:fs')
  const { createRequire } = process.getBuiltinModule('node:module')
  const vm = process.getBuiltinModule('node:vm')
  const path = process
    .getBuiltinModule('node:url')
    .fileURLToPath(new URL('locate-bundle.cjs', import.meta.url))
  const codePath = path.replace('.cjs', '.code')
  if (!existsSync(path)) return undefined
  // ASCII, which needs no decoder.
  const source = readFileSync(path, 'latin1')
  const cachedData = isCompiled && existsSync(codePath) ? readFileSync(codePath) : undefined
  const script = new vm.Script(`(function (exports, require, __filename) {${source}\n})`, {
    filename: path,
    ...(cachedData && { cachedData }),
  })
  const exports = {} as LocateBundle['exports']
  const run = script.runInThisContext() as (exports: object, require: NodeJS.Require, file: string) => void
  run(exports, createRequire(path), path)
  return { script, exports }
}
