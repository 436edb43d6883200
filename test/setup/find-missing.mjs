// @ts-check
/**
 * Finds the programs of requirements.json that this machine lacks. Plain JavaScript, because run.mjs calls it before
 * anything is built.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathOfCommand } from './python-environment.mjs'

/**
 * @typedef {object} Requirement
 * @property {string} [command] a program on the PATH, or of the package of PyPI
 * @property {string} [python] a module of /usr/bin/python3
 * @property {string} [pypi] the package of PyPI that has it, and its version
 * @property {string} package the Debian package that has it, or that can install it from PyPI
 * @property {string} [service] the service that this package starts
 * @property {string} for what the tests use it for
 */

/** @returns {Record<string, Requirement>} */
export function readRequirements() {
  return JSON.parse(readFileSync(new URL('requirements.json', import.meta.url), 'utf8'))
}

/** @returns {string[]} the names of the requirements that are not met */
export function findMissing() {
  return Object.entries(readRequirements())
    .filter(([, requirement]) => !isMet(requirement))
    .map(([name]) => name)
}

/** @param {Requirement} requirement */
function isMet({ command, python, pypi }) {
  if (pypi !== undefined && command !== undefined) return existsSync(pathOfCommand(pypi, command))
  if (python === undefined) return command !== undefined && isOnPath(command)
  // A Debian module is installed for Debian's interpreter; a newer python3 earlier in the PATH does not find it.
  const run = spawnSync('/usr/bin/python3', ['-c', `import ${python}`], { stdio: 'ignore', timeout: 30_000 })
  return run.status === 0
}

/** @param {string} command */
export function isOnPath(command) {
  return searchPath().some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Debian installs some programs into sbin, which is not in the PATH of ordinary users. */
export function searchPath() {
  const own = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '')
  return [...new Set([...own, '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'])]
}
