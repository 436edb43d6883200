/**
 * Tests that odd sources, outputs, URLs, proxies and stores end a command with an exit code and a short message. An
 * error that is not explained would reject, and the program would print its stack trace.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../../a-command-run.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../a-torrent.ts'

const NOWHERE = ['--url', 'http://127.0.0.1:1']

describe('odd input', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'siteswarm-odd-'))
    mkdirSync(join(folder, 'd'))
    writeFileSync(join(folder, 'd/a'), 'x')
    writeFileSync(join(folder, 'new\nline'), 'x')
    writeFileSync(join(folder, 'a.torrent'), PLAIN_TORRENT)
    symlinkSync('self', join(folder, 'self'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** `FOLDER` in an argument is the folder of the test. */
  async function expectExplained(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const run = await runCommand(
      args.map((arg) => arg.replace('FOLDER', folder)),
      { environment },
    )
    expect([1, 64, 69, 78]).toContain(run.exitCode)
    expect(run.err).toMatch(/^(?:using|warning|siteswarm|error|explain)/)
    expect(run.err).not.toMatch(/^\s+at |TypeError|ERR_INVALID|\[object/m)
    expect(run.err.split('\n').length).toBeLessThanOrEqual(5)
  }

  it.each([
    '/dev/null',
    '/proc/self',
    'FOLDER/self',
    'FOLDER/d/a/b',
    '~/x',
    'C:\\x',
    '://x',
    '-',
    'data:text/plain,x',
    'magnet:?xt=1',
    'x'.repeat(5_000),
    's3://a',
    's3://A_B/x',
    's3://../x',
    's3://b/a%zz',
    `s3://b/${'k'.repeat(2_000)}`,
    'http://[::1]:1/x',
    'http://a b/x',
    'http://127.0.0.1:1/%zz',
    'http://xn--/',
    'http://127.0.0.1:0/x',
    'HTTP://127.0.0.1:1',
    'https://127.0.0.1:1/a?b#c',
  ])('the source %s', (source) =>
    expectExplained(['publish', source, '-o', 'FOLDER/out.torrent', ...NOWHERE], {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
    }),
  )

  it.each([
    '/',
    '/nowhere/x',
    '/proc/x',
    'FOLDER/d',
    'FOLDER/self',
    'FOLDER/d/a/x',
    `FOLDER/${'x'.repeat(300)}`,
  ])('the output %s', (output) => expectExplained(['publish', 'FOLDER/d/a', '-o', output, ...NOWHERE]))

  it.each([
    'x',
    'http://',
    'http://:',
    'http://a:b@',
    'http://[fe80::1%25lo]:6970',
    'https://127.0.0.1:1',
    'http://host:99999',
    'unix:/x',
    'http://127.0.0.1:25',
    'http://127.0.0.1:6667',
    'http://x.invalid',
    'http://a\nb',
  ])('the URL of a node %j', async (url) => {
    await expectExplained(['torrents', '--url', url])
    await expectExplained(['explain', PLAIN_INFO_HASH, '127.1.1.1', '--url', url])
    await expectExplained(['publish', 'FOLDER/d/a', '--url', url])
  })

  it.each(['x', ':1', 'http://', 'socks5://127.0.0.1:1', 'http://a:b%zz@127.0.0.1:1', '127.0.0.1:1'])(
    'the proxy %s',
    async (proxy) => {
      for (const source of ['http://127.0.0.1:2/x', 'https://127.0.0.1:2/x', 's3://b/x'])
        await expectExplained(['publish', source, ...NOWHERE, '-o', 'FOLDER/out.torrent'], {
          http_proxy: proxy,
          AWS_ENDPOINT_URL: 'http://127.0.0.1:3',
          AWS_ACCESS_KEY_ID: 'a',
          AWS_SECRET_ACCESS_KEY: 'b',
        })
    },
  )

  it.each(['/proc/x', '/dev/null/x', 'FOLDER/self/x', `FOLDER/${'x'.repeat(300)}`, 'FOLDER/d/a'])(
    'the folder %s',
    (path) => expectExplained(['rewrite', 'FOLDER/a.torrent', '--all', '-d', path]),
  )

  it.each([
    ['--name', 'a\0b'],
    ['--web-seed', 'http://['],
    ['--piece-length', '0x10'],
    ['--piece-length', '999999MiB'],
  ])('the flag %s %j', (...flag) => expectExplained(['publish', 'FOLDER/d/a', ...flag, ...NOWHERE]))

  it('the name of a file with a line break, which no origin may have', () =>
    expectExplained(['publish', 'FOLDER/new\nline', ...NOWHERE]))
})
