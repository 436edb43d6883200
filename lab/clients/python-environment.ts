/**
 * Python packages that the distribution does not have, each in a virtual environment in the user's cache directory. An
 * environment is complete or absent: it is built beside its place and renamed.
 */
import { execFile } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
/** A wheel of a few megabytes over a slow connection. */
const INSTALL_TIMEOUT_MS = 180_000

function environmentPath(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'siteswarm-lab', name)
}

/** The interpreter of an environment, which exists after `makeEnvironment`. */
export function environmentPython(name: string): string {
  return join(environmentPath(name), 'bin', 'python')
}

/** Creates an environment with one package from a wheel. Resolves with the reason of a failure, or undefined. */
export async function makeEnvironment(
  python: string,
  name: string,
  requirement: string,
): Promise<string | undefined> {
  const path = environmentPath(name)
  const building = `${path}.${process.pid}`
  try {
    await mkdir(dirname(path), { recursive: true })
    await execute(python, ['-m', 'venv', building], { timeout: INSTALL_TIMEOUT_MS })
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:']
    await execute(join(building, 'bin', 'python'), [...pip, requirement], { timeout: INSTALL_TIMEOUT_MS })
    await rm(path, { recursive: true, force: true })
    await rename(building, path)
    return undefined
  } catch (error) {
    await rm(building, { recursive: true, force: true })
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    return output === '' ? String(error) : (output.split('\n').at(-1) ?? output)
  }
}
