/** Torrents, well formed and broken, in real clients: the same clients download them as the readers of src/metainfo expect. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import fixtures from 'webtorrent-fixtures'
import type { ClientName } from '../../src/metainfo/clients/client.ts'
import { readClients } from '../../src/metainfo/clients/client-reports.ts'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { rewriteMetainfo } from '../../src/metainfo/rewrite.ts'
import { aZeroTorrent } from '../a-zero-torrent.ts'
import { verdictCases } from '../client-verdict-cases.ts'
import { observe } from '../clients-on-zeros.ts'
import { needs, type Requirement } from '../setup/needs.ts'

const observed: readonly (readonly [ClientName, Requirement])[] = [
  ['libtorrent', 'libtorrent'],
  ['aria2', 'aria2c'],
  ['Transmission', 'transmission-daemon'],
  ['rtorrent', 'rtorrent'],
]

/** Long enough to load a torrent; the content of these is not at hand. */
const LOAD_MS = 3_000

describe.each(observed)('%s', (client, requirement) => {
  const missing = needs(requirement) !== false

  it.skipIf(missing)('downloads the expected torrents', { timeout: 240_000 }, async () => {
    const torrents = new Map(
      verdictCases.map(([name, input]) => [name, (webSeed: string) => aZeroTorrent(input, webSeed)]),
    )
    const observations = await observe(client, torrents)
    const downloads = verdictCases.map(([name]) => {
      const { state, written } = observations.get(name) ?? { state: 'refused', written: [] }
      return { name, downloads: state === 'complete' && written.length > 0 }
    })
    expect(downloads).toEqual(
      verdictCases.map(([name, , clients]) => ({ name, downloads: clients.split(' ').includes(client) })),
    )
  })

  it.skipIf(missing)('loads the expected torrents of WebTorrent’s tests', { timeout: 240_000 }, async () => {
    const folder = dirname(fixtures.leaves.torrentPath)
    const files = readdirSync(folder).filter((file) => file.endsWith('.torrent'))
    // rtorrent needs a tracker, and no client may announce to those of the fixtures.
    const rewritten = (file: string) =>
      rewriteMetainfo(
        readMetainfo(readFileSync(join(folder, file)), file),
        [['http://127.0.0.1:1/announce']],
        {
          webSeeds: [],
          dropsNodes: true,
        },
      )
    const torrents = new Map(files.map((file) => [file, () => rewritten(file)]))
    const observations = await observe(client, torrents, LOAD_MS)
    const loads = (file: string) => observations.get(file)?.state !== 'refused'
    const isExpected = (file: string) => {
      const report = readClients(readMetainfo(readFileSync(join(folder, file)), file))
      return report.clients.find((each) => each.client === client)?.problem === undefined
    }
    expect(files.length).toBeGreaterThan(5)
    expect(files.map((file) => [file, loads(file)])).toEqual(files.map((file) => [file, isExpected(file)]))
  })
})
