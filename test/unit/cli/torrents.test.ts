/** Tests of the command `torrents` against an admin listener, and of the URLs of admin listeners that it accepts. */
import { request } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCommand } from '../../a-command-run.ts'
import { anAdmin } from '../../an-admin.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../a-torrent.ts'
import { aWebServer } from '../../a-web-server.ts'

describe('torrents', () => {
  it('lists name, size, kind and origin', async () => {
    const { call, url } = await anAdmin()
    await call('POST', '?origin=s3://images/a.txt', PLAIN_TORRENT)
    const { exitCode, out, err } = await runCommand(['torrents', '--url', url])
    expect({ exitCode, out, err }).toEqual({
      exitCode: 0,
      out: `${PLAIN_INFO_HASH}  a.txt\n  5 B, v1, not private, 2030-01-02 03:04\n  from s3://images/a.txt\n`,
      err: '',
    })
  })

  it('reports an empty list', async () => {
    const { url } = await anAdmin()
    expect(await runCommand(['torrents', '--url', url])).toMatchObject({
      exitCode: 0,
      out: '',
      err: 'No torrents are registered.\n',
    })
  })

  it('prints the response of the node as JSON', async () => {
    const { url } = await anAdmin()
    const { out } = await runCommand(['torrents', '--url', url, '--json'])
    expect(JSON.parse(out)).toEqual({ total: 0, torrents: [] })
  })

  it('shows the URLs for each site, the warnings of the node, and the commands for its hosts', async () => {
    const { call, url } = await anAdmin()
    await call('POST', '?origin=/home/a.txt', PLAIN_TORRENT)
    const run = await runCommand(['torrents', 'show', PLAIN_INFO_HASH, '--url', url])
    const urlOf = (site: string, number: number) =>
      `http://127.${number}.0.1:6969/torrents/${PLAIN_INFO_HASH}.torrent?site=${site}`
    expect(run.exitCode).toBe(0)
    expect(run.out.split('\n')).toEqual([
      `${PLAIN_INFO_HASH}  a.txt`,
      '  5 B, v1, not private, 2030-01-02 03:04',
      '  from /home/a.txt',
      `fra          ${urlOf('fra', 1)}`,
      `ams          ${urlOf('ams', 2)}`,
      `nyc          ${urlOf('nyc', 3)}`,
      '',
      'first, a seed on a host that has the content, in the folder that holds it, with the URL of its site, for example:',
      `  aria2c --follow-torrent=mem --seed-ratio=0 --check-integrity=true '${urlOf('fra', 1)}'`,
      'then, on the hosts of each site, with the URL of their site, for example:',
      `  aria2c --follow-torrent=mem --seed-ratio=0 '${urlOf('fra', 1)}'`,
      '',
    ])
    expect(run.err).toContain('warning: this node does not serve it [origin-unusable]\n')
    const { out } = await runCommand(['torrents', 'show', PLAIN_INFO_HASH, '--url', url, '--json'])
    expect(JSON.parse(out)).toMatchObject({ name: 'a.txt', sites: [{ site: 'fra' }, {}, {}] })
  })

  it('removes one, with the token from the environment', async () => {
    const { registry, url } = await anAdmin({ operate: 'sesame-sesame', read: undefined })
    await registry.register(PLAIN_TORRENT, undefined)
    const remove = ['torrents', 'remove', PLAIN_INFO_HASH, '--url', url]
    expect(await runCommand(remove)).toMatchObject({
      exitCode: 1,
      err: `siteswarm torrents: the node at ${url} requires its admin token: --token, --token-file or SITESWARM_ADMIN_TOKEN\n`,
    })
    expect(await runCommand([...remove, '--token', 'sesame-salami'])).toMatchObject({
      exitCode: 1,
      err: `siteswarm torrents: the node at ${url} rejects the admin token; check --token, --token-file or SITESWARM_ADMIN_TOKEN\n`,
    })
    const environment = { SITESWARM_ADMIN_TOKEN: 'sesame-sesame' }
    expect(await runCommand(remove, { environment })).toMatchObject({ exitCode: 0, out: 'removed a.txt\n' })
    expect(await runCommand(remove, { environment })).toMatchObject({
      exitCode: 1,
      err: `siteswarm torrents: ${PLAIN_INFO_HASH} is not registered here\n`,
    })
  })

  it.each([
    [['show'], 'show requires the infohash of a torrent'],
    [['show', 'abc'], '"abc" is not an infohash; an infohash has 40 hexadecimal digits, or 64 for v2'],
    [['remove'], 'remove requires the infohash of a torrent'],
    [['remove', 'abc'], '"abc" is not an infohash; an infohash has 40 hexadecimal digits, or 64 for v2'],
    [['add'], '"add" is not an action; use show or remove, or no argument to list'],
  ])('rejects %j', async (args, problem) => {
    expect(await runCommand(['torrents', ...args])).toMatchObject({
      exitCode: 64,
      err: `siteswarm torrents: ${problem}\n`,
    })
  })

  it.each(['127.0.0.1:6970', 'foo', 'http://', 'ftp://127.0.0.1'])(
    'rejects %s as the URL of a node',
    async (url) => {
      const { exitCode, err } = await runCommand(['torrents', '--url', url])
      expect({ exitCode, err }).toEqual({
        exitCode: 1,
        err: `siteswarm: --url ${url}: write the admin listener of a node as http://host:port, such as http://127.0.0.1:6970\n`,
      })
    },
  )

  it('distinguishes a node from a web server, or the tracker itself, at the URL', async () => {
    const server = await aWebServer(Buffer.from('d14:failure reason3:noee'))
    onTestFinished(() => server.close())
    expect(await runCommand(['torrents', '--url', server.url])).toMatchObject({
      exitCode: 69,
      err: `siteswarm torrents: the server at ${server.url} is not the admin listener of a node; give its URL with --url, such as http://127.0.0.1:6970\n`,
    })
  })

  it('reports the URL that does not respond', async () => {
    const { exitCode, err } = await runCommand(['torrents', '--url', 'http://127.0.0.1:2'])
    expect({ exitCode, err }).toEqual({
      exitCode: 69,
      err: 'siteswarm torrents: no node responds at http://127.0.0.1:2: connection refused (ECONNREFUSED); check that the server is running, or give the URL of another admin listener with --url\n',
    })
  })
})

describe('--url', () => {
  /** A reverse proxy with a password in front of the admin listener. */
  async function aProxyWithPassword() {
    const { url } = await anAdmin()
    const proxy = await aWebServer(Buffer.alloc(0))
    onTestFinished(() => proxy.close())
    proxy.interfere = ({ headers, method, url: path }, response) => {
      const isAllowed = headers.authorization === `Basic ${Buffer.from('me:sésame').toString('base64')}`
      if (!isAllowed) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end('<html>')
      else
        request(`${url}${path}`, { method }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(response)
        }).end()
      return true
    }
    return { proxy, host: new URL(proxy.url).host }
  }

  const commands: readonly (readonly string[])[] = [
    ['torrents'],
    ['torrents', 'show', PLAIN_INFO_HASH],
    ['torrents', 'remove', PLAIN_INFO_HASH],
    ['explain', PLAIN_INFO_HASH, '127.1.1.1:6881'],
    ['publish', 'package.json'],
  ]

  it('may contain the user and password of a reverse proxy', async () => {
    const { host } = await aProxyWithPassword()
    const run = await runCommand(['torrents', '--json', '--url', `http://me:s%C3%A9same@${host}`])
    expect(run).toMatchObject({ exitCode: 0, err: '' })
    expect(JSON.parse(run.out)).toEqual({ total: 0, torrents: [] })
  })

  it.each(commands)('without the password of a reverse proxy is explained by %s', async (...command) => {
    const { host } = await aProxyWithPassword()
    const without = await runCommand([...command, '--url', `http://${host}`])
    expect(without).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining(
        `the server at http://${host} requires a user and password: --url http://user:password@host`,
      ),
    })
    const wrong = await runCommand([...command, '--url', `http://me:4711@${host}`])
    expect(wrong.err).toContain(`the server at http://${host} rejects the user and password of --url`)
    expect(wrong.err).not.toContain('4711')
  })

  it.each(commands)('is shown without its password by %s', async (...command) => {
    for (const url of [
      'http://me:4711@127.0.0.1:1',
      'http://me:4711@127.0.0.1:1/?x=4711',
      'http://me:4711@[',
      'http://me:47/11@host:x/',
      'me:4711@host',
      'ftp://me:4711@host',
      'http://me:4711@nowhere.invalid',
    ]) {
      const run = await runCommand([...command, '--url', url])
      expect([run.exitCode === 0, run.out]).toEqual([false, ''])
      expect(run.err).toMatch(/^(?:siteswarm|explain).*\n$/)
      expect(run.err).not.toMatch(/4711|me:/)
    }
  })

  it('and a token cannot both be sent', async () => {
    const environment = { SITESWARM_ADMIN_TOKEN: 'sesame-sesame' }
    const run = await runCommand(['torrents', '--url', 'http://me:4711@127.0.0.1:1'], { environment })
    expect(run).toMatchObject({
      exitCode: 1,
      err: 'siteswarm: --url http://127.0.0.1:1: a request cannot carry both the user of the URL and the admin token; leave one of them out\n',
    })
  })

  it('that redirects is reported with the target', async () => {
    const server = await aWebServer(Buffer.alloc(0))
    onTestFinished(() => server.close())
    server.interfere = (_request, response) => {
      response.writeHead(301, { location: 'https://me:4711@node.example/?sig=4711' }).end()
      return true
    }
    expect(await runCommand(['torrents', '--url', server.url])).toMatchObject({
      exitCode: 1,
      err: `siteswarm torrents: the server at ${server.url} redirects to https://node.example; give the URL of the admin listener with --url\n`,
    })
  })

  it.each(['sesame\nsesame', 'sésame-sésame', 'sesame sesame'])('the token %j is rejected', async (token) => {
    expect(await runCommand(['torrents', '--token', token])).toMatchObject({
      exitCode: 1,
      err: 'siteswarm: the admin token contains a space or another character that a header cannot contain; check --token, --token-file or SITESWARM_ADMIN_TOKEN\n',
    })
  })
})
