/** Tests that hold for every command: empty arguments, and passwords in URLs. */
import { describe, expect, it } from 'vitest'
import { runCommand } from '../../a-command-run.ts'
import { PLAIN_INFO_HASH } from '../../a-torrent.ts'

describe('a password in a URL is printed by no message', () => {
  const URL_WITH_PASSWORD = 'http://me:4711@127.0.0.1:1/x'
  const hash = ['--info-hash', PLAIN_INFO_HASH]

  it.each([
    [['announce', URL_WITH_PASSWORD, ...hash]],
    [['announce', 'udp://me:4711@127.0.0.1:1/announce', ...hash]],
    [['announce', 'http://me:4711@[/', ...hash]],
    [['announce', 'me:4711@host', ...hash]],
    [['scrape', URL_WITH_PASSWORD, ...hash]],
    [['inspect', URL_WITH_PASSWORD]],
    [['rewrite', URL_WITH_PASSWORD, '--site', 'fra']],
    [['publish', URL_WITH_PASSWORD, '--url', 'http://127.0.0.1:1', '-o', '/tmp/never.torrent']],
    [['publish', 'package.json', '--url', URL_WITH_PASSWORD]],
    [['publish', 'package.json', '--web-seed', URL_WITH_PASSWORD]],
    [['torrents', '--url', URL_WITH_PASSWORD]],
    [['explain', PLAIN_INFO_HASH, '127.1.1.1', '--url', URL_WITH_PASSWORD]],
    [['explain', PLAIN_INFO_HASH, URL_WITH_PASSWORD]],
    [['serve', '--config', URL_WITH_PASSWORD]],
    [['locate', '127.1.1.1', '--topology', URL_WITH_PASSWORD]],
  ])('%j', async (args) => {
    const run = await runCommand(args)
    expect(run.exitCode).not.toBe(0)
    expect(run.err).not.toBe('')
    expect(run.out + run.err).not.toContain('4711')
  })
})

describe('an empty argument, as an unset variable leaves it, is a usage error', () => {
  it.each([
    [['inspect', ''], 'siteswarm inspect: an argument is empty'],
    [['inspect', ' '], 'siteswarm inspect: an argument is empty'],
    [['publish', ''], 'siteswarm publish: an argument is empty'],
    [['locate', '127.1.1.1', ''], 'siteswarm locate: an argument is empty'],
    [['check', '--config', ''], 'siteswarm check: --config is empty'],
    [['serve', '--config='], 'siteswarm serve: --config is empty'],
    [['rewrite', 'x.torrent', '--all', '-d', ''], 'siteswarm rewrite: --directory is empty'],
    [
      ['rewrite', 'x.torrent', '--web-seed', 'http://a/', '--web-seed', ''],
      'siteswarm rewrite: --web-seed is empty',
    ],
    [['torrents', 'remove', ''], 'siteswarm torrents: an argument is empty'],
    [['torrents', '--url', ''], 'siteswarm torrents: --url is empty'],
    [['torrents', '--token', ''], 'siteswarm torrents: --token is empty'],
    [['announce', '', '--info-hash', PLAIN_INFO_HASH], 'siteswarm announce: an argument is empty'],
    [['announce', 'http://127.0.0.1:1', '--info-hash', ''], 'siteswarm announce: --info-hash is empty'],
  ])('%j', async (args, message) => {
    expect(await runCommand(args)).toMatchObject({
      exitCode: 64,
      out: '',
      err: `${message}; check the variable that it comes from\n`,
    })
  })
})
