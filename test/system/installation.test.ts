/**
 * Follows the installation steps of docs/operations.md to the letter, below a directory instead of `/`, and runs the
 * service as its unit describes it, without systemd: an unprivileged user, configuration of root, one writable
 * directory. Then `publish` works for any user.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { aDirectory, freePort } from '../a-node.ts'

/** Of no account: systemd allocates dynamic users from this range. */
const SERVICE_USER = 61_184
const PUBLISHER = 61_185

const canSwitchUser =
  process.getuid?.() === 0 && spawnSync(process.execPath, ['-v'], { uid: SERVICE_USER }).status === 0

interface Installation {
  readonly root: string
  readonly at: (path: string) => string
  readonly adminUrl: string
  readonly httpPort: number
}

/** Runs the steps between the fences, with root's strictest umask. */
async function install(): Promise<Installation> {
  const root = await aDirectory()
  chmodSync(root, 0o755)
  const at = (path: string) => join(root, path)
  for (const folder of ['usr/lib', 'usr/bin', 'etc/systemd/system', 'var/lib', 'srv/images'])
    mkdirSync(at(folder), { recursive: true })
  const [, steps = ''] =
    /### systemd, step by step\n+```sh\n([^]*?)```/.exec(readFileSync('docs/operations.md', 'utf8')) ?? []
  const here = steps.replaceAll(/(?<=\s)\/(?=usr\/|etc\/)/g, `${root}/`).replaceAll(/^systemctl .*$/gm, '')
  expect(here.match(new RegExp(root, 'g'))?.length).toBeGreaterThan(7)
  const { status, stderr } = spawnSync('sh', ['-ec', `umask 077\n${here}`], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })

  const [httpPort, adminPort] = [await freePort(), await freePort()]
  // What an administrator edits: addresses, and the trackers of the topology.
  const edit = (path: string, change: (text: string) => string) =>
    writeFileSync(at(path), change(readFileSync(at(path), 'utf8')))
  edit('etc/siteswarm/topology.yaml', (text) => text.replaceAll(':6969/', `:${httpPort}/`))
  edit(
    'etc/siteswarm/siteswarm.env',
    (text) =>
      `${text}SITESWARM_LISTEN_HTTP=127.0.0.1:${httpPort}\nSITESWARM_LISTEN_UDP=127.0.0.1:${httpPort}\nSITESWARM_LISTEN_ADMIN=127.0.0.1:${adminPort}\n`,
  )
  return { root, at, adminUrl: `http://127.0.0.1:${adminPort}`, httpPort }
}

/** The values of a key of the unit, with its paths below the root. */
function unitValues({ root, at }: Installation, key: string): string[] {
  const unit = readFileSync(at('etc/systemd/system/siteswarm.service'), 'utf8')
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) =>
    value.replaceAll(/(?<=^-?|[\s=])\/(?=usr\/lib\/|etc\/|var\/)/g, `${root}/`),
  )
}

/** Starts what ExecStart says, and returns when the node is ready. */
async function startService(installation: Installation): Promise<{ stop(): Promise<void>; log(): string }> {
  const { at, adminUrl } = installation
  const state = at(`var/lib/${unitValues(installation, 'StateDirectory')[0]}`)
  mkdirSync(state, { recursive: true })
  chownSync(state, SERVICE_USER, SERVICE_USER)
  const [, ...args] = unitValues(installation, 'ExecStart')[0]?.split(' ') ?? []
  const environmentFile = unitValues(installation, 'EnvironmentFile')[0]?.replace(/^-/, '') ?? ''
  const variables = [
    ...unitValues(installation, 'Environment').flatMap((value) => value.split(' ')),
    ...readFileSync(environmentFile, 'utf8')
      .split('\n')
      .filter((line) => /^\w+=/.test(line)),
  ].map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
  const child = spawn(
    'sh',
    ['-c', `umask ${unitValues(installation, 'UMask')[0]}; exec "$0" "$@"`, process.execPath, ...args],
    {
      uid: SERVICE_USER,
      gid: SERVICE_USER,
      cwd: '/',
      env: { PATH: process.env['PATH'], ...Object.fromEntries(variables) },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  onTestFinished(() => void child.kill('SIGKILL'))
  await expect
    .poll(
      () =>
        fetch(`${adminUrl}/readyz`).then(
          ({ status }) => status,
          () => log,
        ),
      { timeout: 60_000 },
    )
    .toBe(200)
  return {
    log: () => log,
    stop: async () => {
      child.kill('SIGTERM')
      await closed
    },
  }
}

/** Runs the installed command as a user who has nothing to do with the service. */
function run({ at, adminUrl }: Installation, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(at('usr/bin/siteswarm'), [...args, '--url', adminUrl], {
    uid: PUBLISHER,
    gid: PUBLISHER,
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
  })
  return { status, out: stdout, err: stderr }
}

test.skipIf(!canSwitchUser && 'needs root, to run the service as another user')(
  'after the systemd steps, publish works, and the node serves the content if it may',
  async () => {
    const installation = await install()
    const { at, httpPort } = installation
    const before = readdirSync(at('etc/siteswarm')).toSorted()
    expect(before).toEqual([
      'siteswarm.env',
      'siteswarm.schema.json',
      'siteswarm.yaml',
      'topology.schema.json',
      'topology.yaml',
    ])
    const image = at('srv/images/image.bin')
    const content = Buffer.alloc(100_000, 'image')
    writeFileSync(image, content, { mode: 0o644 })

    const service = await startService(installation)
    const first = run(installation, 'publish', image)
    expect(first).toMatchObject({ status: 0 })
    expect(first.err).toMatch(/^warning: .*set origin\.directory.* \[origin-unusable\]\n$/)
    const [, infoHash = ''] = /^infohash +(\w+)$/m.exec(first.out) ?? []
    expect(readdirSync(at('var/lib/siteswarm/torrents'))).toContain(`${infoHash}.torrent`)
    expect(readdirSync(at('etc/siteswarm')).toSorted()).toEqual(before)
    await service.stop()
    expect(service.log()).not.toMatch(/torrents-unwritable|snapshot-failed|EACCES/)

    const configuration = at('etc/siteswarm/siteswarm.yaml')
    const text = readFileSync(configuration, 'utf8')
    writeFileSync(configuration, text.replace('# directory: /srv/images', `directory: ${at('srv/images')}`))
    await startService(installation)
    expect(run(installation, 'publish', image)).toMatchObject({ status: 0, err: '' })
    const url = `http://127.0.0.1:${httpPort}/torrents/${infoHash}.torrent?site=fra`
    expect(run(installation, 'torrents', 'show', infoHash).out).toContain(`fra          ${url}\n`)
    expect(await download(httpPort, `/webseed/${infoHash}/`)).toEqual(content)
  },
)

/** A host without a gateway waits for three seconds before it is served. */
function download(port: number, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, localAddress: '127.1.1.1', agent: false }, (response) => {
      buffer(response).then(resolve, reject)
    })
      .on('error', reject)
      .end()
  })
}
