import { describe, expect, it } from 'vitest'
import { readClients } from '../../../../src/metainfo/clients/client-reports.ts'
import { readMetainfo } from '../../../../src/metainfo/metainfo.ts'
import { aZeroTorrent } from '../../../a-zero-torrent.ts'
import { verdictCases } from '../../../client-verdict-cases.ts'

describe('the clients that download a torrent', () => {
  it.each(verdictCases)('are known for %s', (_name, input, downloads) => {
    const { clients } = readClients(readMetainfo(aZeroTorrent(input), 'x.torrent'))
    const found = clients.filter(({ problem }) => problem === undefined).map(({ client }) => client)
    expect(found.join(' ')).toBe(downloads)
  })
})
