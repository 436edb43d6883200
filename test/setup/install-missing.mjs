// @ts-check
/**
 * Brings what the tests need beyond npm: with apt-get where that can be done without asking, otherwise by naming
 * each missing thing and where it comes from. Nothing a package would start by itself is left running.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { findMissing, isOnPath, readRequirements } from './find-missing.mjs'

/** A slow mirror takes a few minutes; after ten it is not going to work. */
const APT_DEADLINE_MS = 600_000

/** @param {(line: string) => void} say */
export function installMissing(say) {
  const requirements = readRequirements()
  const wanted = findMissing().flatMap((name) => requirements[name] ?? [])
  const packages = unique(wanted.map((requirement) => requirement.package))
  if (packages.length > 0 && canInstall()) {
    say(`installing what the tests need: apt-get install ${packages.join(' ')}`)
    const trouble = withoutStartingServices(() => aptInstall(packages) && aptInstall(packages))
    if (trouble) say(trouble)
    for (const service of unique(wanted.map((requirement) => requirement.service))) switchOff(service)
  }

  for (const name of findMissing()) {
    const { package: debianPackage, for: purpose } = requirements[name] ?? {}
    say(`missing: ${name} (Debian package ${debianPackage}), for ${purpose}. Tests that need it are skipped.`)
  }
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && isOnPath('apt-get')
}

/**
 * @param {readonly string[]} packages
 * @returns {string | undefined} what apt-get said if it failed
 */
function aptInstall(packages) {
  // The package lists of a fresh machine are empty or old. A failed update may still be followed by an install.
  apt(['update'])
  const { status, output } = apt(['install', '-y', '--no-install-recommends', ...packages])
  return status === 0 ? undefined : `apt-get could not install them:\n${output}`
}

/** @param {readonly string[]} args */
function apt(args) {
  // The lock: another apt-get, such as a machine's own first upgrade, may be at work.
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
 * Debian starts what it installs unless policy-rc.d says no (101). One that is there already is the machine's own
 * and stays as it is.
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

/** @param {string} service that a package of ours would start at the next boot */
function switchOff(service) {
  if (isOnPath('systemctl'))
    spawnSync('systemctl', ['disable', '--now', service], { stdio: 'ignore', timeout: 30_000 })
}

/** @param {readonly (string | undefined)[]} names */
function unique(names) {
  return [...new Set(names.flatMap((name) => name ?? []))].toSorted()
}
