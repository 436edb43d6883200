/** Tests of the commands that a registered torrent ends with. */
import { expect, it } from 'vitest'
import { nextSteps } from '../../../src/cli/registered-torrent.ts'
import type { TorrentInFull } from '../../../src/server/admin/answers/torrents.ts'

const torrent: TorrentInFull = {
  infoHash: 'a'.repeat(40),
  infoHashV1: 'a'.repeat(40),
  infoHashV2: null,
  name: 'a',
  sizeBytes: 1,
  isPrivate: true,
  origin: null,
  registeredAt: '2030-01-02T03:04:05.000Z',
  sites: [],
  warnings: [],
}

it('without a URL the commands name the way without one', () => {
  expect(nextSteps(torrent, undefined)).toEqual([
    '',
    'no site has an HTTP tracker in the topology, so there are no URLs; use siteswarm rewrite instead',
  ])
})

it('URLs and folders are quoted for a shell', () => {
  const site = { site: 'fra', bubble: '-', torrentUrl: 'http://t/x?site=fra&bubble=a', magnetUrl: '' }
  const steps = nextSteps({ ...torrent, sites: [site] }, "/srv/it's $HOME")
  expect(steps[2]).toContain(String.raw`--dir='/srv/it'\''s $HOME' 'http://t/x?site=fra&bubble=a'`)
})
