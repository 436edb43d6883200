/**
 * The program without a configuration, on its default ports: in a network namespace, so that nothing else has them. Its
 * sample topology maps the loopback addresses of both families.
 */
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { aDirectory, PROGRAM } from '../a-node.ts'
import { needs } from '../setup/needs.ts'

const namespace = [...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--net']

/** Containers may forbid namespaces, and often have no IPv6. */
function namespacesWork(): boolean {
  try {
    execFileSync('unshare', [
      ...namespace,
      'sh',
      '-ec',
      'ip link set lo up; ip -6 address show lo | grep -q ::1',
    ])
    return true
  } catch {
    return false
  }
}

const lacks = needs('unshare', 'ip')
if (lacks === false && !namespacesWork())
  process.stderr.write('the quick start is not tested: no network namespace with ::1 can be made here\n')

interface Announced {
  readonly url: string
  readonly isUsable: boolean
}

/** Runs the quick start and announces to each URL in turn. */
async function announcesTo(urls: readonly string[]): Promise<readonly Announced[]> {
  const script = `
    ip link set lo up
    node=$1; program=$2; shift 2
    "$node" "$program" serve --json > started & pid=$!
    until [ -s started ] || ! kill -0 $pid; do sleep 0.05; done
    for url; do
      "$node" "$program" announce "$url" --info-hash 003117267dd93f301c25e78d2b932029bc37a49b --json | tr -d '\\n'
      echo
    done
    kill $pid`
  const directory = await aDirectory()
  const { stdout } = await promisify(execFile)(
    'unshare',
    [
      '--kill-child',
      '--pid',
      '--fork',
      ...namespace,
      'sh',
      '-c',
      script,
      'sh',
      process.execPath,
      PROGRAM,
      ...urls,
    ],
    { cwd: directory, env: { PATH: process.env['PATH'] }, timeout: 120_000 },
  )
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Announced)
}

describe.skipIf(lacks !== false || !namespacesWork())('the quick start', () => {
  test('serves the loopback addresses of IPv4 and IPv6, over HTTP and UDP', async () => {
    const urls = ['http://127.0.0.1', 'http://[::1]', 'udp://127.0.0.1', 'udp://[::1]'].map(
      (origin) => `${origin}:6969/announce`,
    )
    const announced = await announcesTo(urls)
    expect(announced.map(({ url, isUsable }) => `${url.split('?')[0]} ${isUsable}`)).toEqual(
      urls.map((url) => `${url} true`),
    )
  })
})
