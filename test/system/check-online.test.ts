/** `check --online` against real nodes, and against what stands at a wrong URL. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { contactNodes, type Target } from '../../src/cli/contact-nodes.ts'
import { runCommand } from '../a-command-run.ts'
import { aFederation, FEDERATION_TOKEN, type TestFederation } from '../a-federation.ts'
import { aDirectory, aNode, freePort } from '../a-node.ts'

interface CheckedContact {
  readonly url: string
  readonly sites: readonly string[]
  readonly addresses: readonly string[]
  readonly isOk: boolean
  readonly result: string
}

/** Writes both files and checks them. */
async function checkOnline(sites: Readonly<Record<string, object>>, more = '') {
  const directory = await aDirectory()
  await writeFile(join(directory, 'topology.yaml'), JSON.stringify({ sites }))
  const path = join(directory, 'siteswarm.yaml')
  await writeFile(path, `site: ${Object.keys(sites)[0]}\ntopology: ./topology.yaml\n${more}`)
  const run = await runCommand(['check', '--config', path, '--online', '--json'])
  const { contacts } = JSON.parse(run.out) as { contacts: readonly CheckedContact[] }
  return { exitCode: run.exitCode, contacts, results: contacts.map(({ result }) => result), path }
}

/** A server at a port of loopback that responds with a status and a text. */
async function aServer(status: number, text: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end(text))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The clients of the sites have other loopback addresses than this machine. */
const UNMAPPED = 'a tracker, which responds: this address belongs to no site of this tracker: 127.0.0.1'

const CIDRS = { cidrs: ['127.1.0.0/16'] }

describe('two sites', () => {
  const state: { federation?: TestFederation } = {}
  const site = (name: string) => {
    const { announceUrl, adminUrl } = state.federation!.site(name)
    return { trackers: [announceUrl], federation: [adminUrl] }
  }
  const token = `federation: { token: ${FEDERATION_TOKEN} }\n`

  test('that run as the files say are ok, each URL with its address', async () => {
    state.federation = await aFederation({ names: ['fra', 'ams'] })
    const run = await checkOnline(
      { fra: { ...CIDRS, ...site('fra') }, ams: { cidrs: ['127.2.0.0/16'], ...site('ams') } },
      token,
    )
    const urls = [site('fra'), site('ams')].flatMap(({ trackers, federation }) => [
      ...trackers,
      ...federation,
    ])
    expect(run.contacts.map(({ url, addresses }) => [url, addresses])).toEqual(
      urls.map((url) => [url, ['127.0.0.1']]),
    )
    expect(run.results).toEqual([UNMAPPED, 'a node of site fra', UNMAPPED, 'a node of site ams'])
    expect(run.exitCode).toBe(0)

    const swapped = await checkOnline(
      {
        fra: { ...CIDRS, federation: site('ams').federation },
        ams: { cidrs: ['127.2.0.0/16'], federation: site('fra').federation },
      },
      token,
    )
    expect(swapped.results).toEqual(['a node of site ams, not of fra', 'a node of site fra, not of ams'])
    expect(swapped.exitCode).toBe(1)

    const other = await checkOnline(
      { fra: { ...CIDRS, ...site('fra') } },
      'federation: { token: another-token }\n',
    )
    expect(other.results[1]).toBe('a node that rejects this federation.token')
    expect(other.exitCode).toBe(1)

    const without = await checkOnline({ fra: { ...CIDRS, ...site('fra') } })
    expect(without.results[1]).toBe('a node that is ready')
    expect(without.exitCode).toBe(0)

    const lines = (await runCommand(['check', '--config', without.path, '--online'])).out
      .split('\n')
      .slice(-4)
    const [announce, admin] = [...site('fra').trackers, ...site('fra').federation].map((url) =>
      url.padEnd(31),
    )
    expect(lines.map((line) => line.replace(/in \d+ ms$/, 'in N ms').trimEnd())).toEqual([
      `ok  ${announce}  tracker of fra     127.0.0.1  ${UNMAPPED}, in N ms`,
      `ok  ${admin}  federation of fra  127.0.0.1  a node that is ready, in N ms`,
      '2 of 2 URLs are ok',
      '',
    ])
  })

  test('with a UDP tracker are contacted over UDP', async () => {
    const node = await aNode()
    const run = await checkOnline({ fra: { ...CIDRS, trackers: [node.udpAnnounceUrl] } })
    expect(run.results).toEqual([UNMAPPED])
  })

  test('of which one has no federation token are reported', async () => {
    const node = await aNode()
    const run = await checkOnline({ fra: { ...CIDRS, federation: [node.adminUrl] } }, token)
    expect(run.results).toEqual(['a node without federation.token and federation.tls'])
  })
})

describe('a URL', () => {
  test('whose name has no address is reported as that', async () => {
    const run = await checkOnline({
      fra: {
        ...CIDRS,
        trackers: ['http://t1.fra.invalid:6969/announce'],
        federation: ['http://t1.fra.invalid:6970'],
      },
    })
    // Without a name server, the code is another one.
    const unresolved = expect.stringMatching(
      /^the host name (?:has no address|cannot be resolved) \((?:ENOTFOUND|EAI_AGAIN)\); check its spelling/,
    ) as string
    expect(run.contacts.map(({ addresses, result }) => [addresses, result])).toEqual([
      [[], unresolved],
      [[], unresolved],
    ])
    expect(run.exitCode).toBe(69)
  })

  test('where nothing listens is reported as that', async () => {
    const port = await freePort()
    const trackers = [`http://127.0.0.1:${port}/announce`, `udp://127.0.0.1:${port}/announce`]
    const run = await checkOnline({ fra: { ...CIDRS, trackers, federation: [`http://127.0.0.1:${port}`] } })
    expect(run.results).toHaveLength(3)
    for (const result of run.results) expect(result).toContain('connection refused')
    expect(run.exitCode).toBe(69)
  })

  test('of another server is reported as that', async () => {
    const url = await aServer(200, '<html>welcome</html>')
    const missing = await aServer(404, 'not here')
    const run = await checkOnline(
      { fra: { ...CIDRS, trackers: [`${url}/announce`, `${missing}/announce`], federation: [url, missing] } },
      `federation: { token: ${FEDERATION_TOKEN} }\n`,
    )
    expect(run.results).toEqual([
      'does not respond as a tracker (status 200)',
      'does not respond as a tracker (status 404)',
      'does not respond as a node (status 200)',
      'a node without federation.token and federation.tls',
    ])
    expect(run.exitCode).toBe(1)
  })

  test('of a tracker that refuses this machine is ok, with its reason', async () => {
    const url = await aServer(200, 'd14:failure reason9:not todaye')
    const run = await checkOnline({ fra: { ...CIDRS, trackers: [`${url}/announce`] } })
    expect([run.results, run.exitCode]).toEqual([['a tracker, which responds: not today'], 0])
  })

  test('of the fallback tier is contacted too', async () => {
    const url = await aServer(200, 'd5:filesdee')
    const directory = await aDirectory()
    const path = join(directory, 'topology.yaml')
    await writeFile(
      path,
      JSON.stringify({ sites: { fra: CIDRS }, fallback: { trackers: [`${url}/announce`] } }),
    )
    const { out } = await runCommand(['check', '--topology', path, '--online'])
    expect(out).toMatch(/ok {2}http:\S+ {2}fallback {2}127\.0\.0\.1 {2}a tracker/)
  })
})

describe('silence', () => {
  const state: { targets: readonly Target[] } = { targets: [] }

  /** Accept, and never respond. */
  beforeAll(async () => {
    const tcp = createTcpServer(() => {})
    const udp = createSocket('udp4')
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
    const { port } = tcp.address() as AddressInfo
    const target = (url: string, kind: Target['kind']): Target => ({ url, kind, sites: ['fra'] })
    state.targets = [
      target(`http://127.0.0.1:${port}/announce`, 'tracker'),
      target(`udp://127.0.0.1:${udp.address().port}/announce`, 'tracker'),
      target(`http://127.0.0.1:${port}`, 'federation'),
    ]
    return () => {
      tcp.close()
      udp.close()
    }
  })

  const options = {
    federation: undefined,
    version: '0.0.0',
    environment: {},
    signal: new AbortController().signal,
  }

  test('ends with the deadline of the URL', async () => {
    const contacts = await contactNodes(state.targets, { ...options, deadlineMs: 200 })
    expect(contacts.map(({ result }) => result)).toEqual([
      'no response within 0.2 s',
      'no response within 0.2 s',
      'no response within 0.2 s',
    ])
    expect(Math.max(...contacts.map(({ elapsedMs }) => elapsedMs))).toBeLessThan(30_000)
  })

  test('of thousands of URLs ends with the deadline of the whole', async () => {
    const many = Array.from({ length: 1_000 }, () => state.targets[1]!)
    const contacts = await contactNodes(many, { ...options, deadlineMs: 60_000, totalDeadlineMs: 300 })
    expect(contacts).toHaveLength(1_000)
    expect(new Set(contacts.map(({ result }) => result))).toEqual(
      new Set(['no response before the check ended']),
    )
    expect(contacts.some(({ isReachable }) => isReachable)).toBe(false)
  })
})
