// @ts-check
/**
 * Programs of PyPI that the tests need: each in a virtual environment of its own below node_modules, so that nothing of the
 * machine changes and `npm ci` removes it. An index that cannot be reached costs seconds, and the tests are skipped.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Debian's interpreter: a newer python3 earlier in the PATH may have no venv. */
const PYTHON = '/usr/bin/python3'
/** A slow mirror takes a minute. */
const INSTALL_DEADLINE_MS = 300_000
const CONNECT_SECONDS = '10'

/**
 * @param {string} pypi name and version, as in `schemathesis==4.32.5`
 * @param {string} command
 */
export function pathOfCommand(pypi, command) {
  return join(environmentOf(pypi), 'bin', command)
}

/** @param {string} pypi */
function environmentOf(pypi) {
  return join(root, 'node_modules/.cache/python', pypi)
}

/** Debian has venv in a package of its own. */
export function hasVenv() {
  return run(PYTHON, ['-c', 'import ensurepip, venv']).status === 0
}

/**
 * @param {string} pypi
 * @returns {string | undefined} the output if it failed
 */
export function installFromPypi(pypi) {
  const environment = environmentOf(pypi)
  const pip = ['install', '--quiet', '--no-input', '--disable-pip-version-check', '--retries', '0']
  const steps = /** @type {const} */ ([
    [PYTHON, ['-m', 'venv', environment]],
    [join(environment, 'bin/pip'), [...pip, '--timeout', CONNECT_SECONDS, pypi]],
  ])
  for (const [command, args] of steps) {
    const { status, output } = run(command, args)
    if (status === 0) continue
    rmSync(environment, { recursive: true, force: true })
    return `${pypi} could not be installed:\n${output}`
  }
  return undefined
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: INSTALL_DEADLINE_MS,
  })
  return { status, output: `${stdout ?? ''}${stderr ?? ''}`.split('\n').slice(-6).join('\n') }
}
