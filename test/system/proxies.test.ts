/**
 * nginx and HAProxy before a node, with the files of deploy/proxies unchanged: in a network namespace, which has their
 * ports and gives each client an address of its own.
 */
import { execFile, execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { aDirectory, PROGRAM } from '../a-node.ts'
import { needs } from '../setup/needs.ts'

const HASH = '003117267dd93f301c25e78d2b932029bc37a49b'
const namespace = [...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--net']

const TOPOLOGY = `
sites:
  fra: { cidrs: [10.77.1.0/24] }
  ams: { cidrs: [10.77.2.0/24] }
`
const NODE = `
site: fra
topology: topology.yaml
listen: { http: '127.0.0.1:6969', udp: '127.0.0.1:6969', admin: '127.0.0.1:6970' }
trustedProxies: [127.0.0.1/32]
`

/** Containers may forbid namespaces. */
function namespacesWork(): boolean {
  try {
    execFileSync('unshare', [
      ...namespace,
      'sh',
      '-ec',
      'ip link set lo up; ip address add 10.77.1.1/24 dev lo',
    ])
    return true
  } catch {
    return false
  }
}

const lacks = needs('unshare', 'ip', 'nginx', 'haproxy', 'curl')
const works = lacks === false && namespacesWork()
if (lacks === false && !works)
  process.stderr.write('proxies are not tested: no network namespace can be made here\n')

interface Site {
  readonly site: string
  readonly leechers: number
  readonly gateways: readonly { readonly address: string }[]
}

/**
 * Starts the node and the proxy, announces from two clients that send forwarding headers of their own, and returns the
 * peers of the node. `startProxy` is a shell command that runs in the foreground.
 */
async function peersBehind(startProxy: string, files: Readonly<Record<string, string>> = {}) {
  const directory = await aDirectory()
  for (const [name, text] of Object.entries({ 'topology.yaml': TOPOLOGY, 'node.yaml': NODE, ...files }))
    await writeFile(join(directory, name), text)
  const escapedHash = HASH.replace(/../g, '%$&')
  const script = `
    ip link set lo up
    ip address add 10.77.0.1/24 dev lo; ip address add 10.77.1.5/24 dev lo; ip address add 10.77.2.5/24 dev lo
    "$1" "$2" serve --config node.yaml > node.log 2>&1 &
    until curl -sf -o /dev/null http://127.0.0.1:6970/readyz; do sleep 0.1; done
    ${startProxy} > proxy.log 2>&1 &
    until curl -sf -o /dev/null http://10.77.0.1/scrape; do sleep 0.1; done
    for client in 10.77.1.5 10.77.2.5; do
      curl -s --interface $client -H 'X-Forwarded-For: 10.77.1.99' -H 'X-Real-IP: 10.77.1.98' \
        -H 'Forwarded: for=10.77.1.97' -o /dev/null \
        "http://10.77.0.1/announce?info_hash=${escapedHash}&peer_id=-XX0000-000000000000&port=6881&left=9"
    done
    curl -s http://127.0.0.1:6970/api/v1/swarms/${HASH}`
  const { stdout } = await promisify(execFile)(
    'unshare',
    ['--kill-child', '--pid', '--fork', ...namespace, 'sh', '-c', script, 'sh', process.execPath, PROGRAM],
    { cwd: directory, env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }, timeout: 120_000 },
  )
  return stdout
}

/** The only client of a site is its gateway. */
const sitesOf = (answer: string) => {
  const { sites } = JSON.parse(answer) as { readonly sites: readonly Site[] }
  return sites
    .map(
      ({ site, leechers, gateways }) =>
        `${site} ${leechers} ${gateways.map(({ address }) => address).join(' ')}`,
    )
    .toSorted()
}

describe.skipIf(!works)('clients of two sites stay two peers behind', () => {
  const file = (name: string) => join(process.cwd(), 'deploy/proxies', name)

  test('nginx', async () => {
    const main = `
      daemon off; pid nginx.pid; error_log stderr;
      events {}
      http {
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        include ${file('nginx.conf')};
      }`
    const answer = await peersBehind('nginx -p "$PWD" -c "$PWD/main.conf"', { 'main.conf': main })
    expect(sitesOf(answer)).toEqual(['ams 1 10.77.2.5', 'fra 1 10.77.1.5'])
  })

  test('HAProxy', async () => {
    const answer = await peersBehind(`haproxy -db -f ${file('haproxy.cfg')}`)
    expect(sitesOf(answer)).toEqual(['ams 1 10.77.2.5', 'fra 1 10.77.1.5'])
  })
})
