/** The names that real clients give the files of a torrent, compared with the golden cases. */
import { describe, expect, it } from 'vitest'
import type { ClientName } from '../../src/metainfo/clients/client.ts'
import { aZeroTorrent, type ZeroTorrentCase } from '../a-zero-torrent.ts'
import { COLLIDES, linesOf, namesFromObservation } from '../client-names-text.ts'
import { readCases } from '../golden/a-case.ts'
import { type Observation, observe } from '../clients-on-zeros.ts'
import { needs, type Requirement } from '../setup/needs.ts'

const CASES = readCases('test/golden/client-names')

const observed: readonly (readonly [ClientName, Requirement])[] = [
  ['libtorrent', 'libtorrent'],
  ['aria2', 'aria2c'],
  ['Transmission', 'transmission-daemon'],
  ['rtorrent', 'rtorrent'],
]

describe.each(observed)('%s', (client, requirement) => {
  it.skipIf(needs(requirement) !== false)(
    'gives the files of each torrent the names of its golden case',
    { timeout: 240_000 },
    async () => {
      const torrents = new Map(
        CASES.map(({ name, input }) => [
          name,
          (webSeed: string) => aZeroTorrent(JSON.parse(input) as ZeroTorrentCase, webSeed),
        ]),
      )
      const observations = await observe(client, torrents)
      const lines = CASES.map(({ name, input, expected }) => {
        const observation = observations.get(name)
        if (observation === undefined) throw new Error(`${name} was not observed`)
        const isCollision = linesOf(client, expected).join() === COLLIDES.join()
        return [name, isCollision ? collision(observation, input) : namesFromObservation(observation)]
      })
      expect(lines).toEqual(CASES.map(({ name, expected }) => [name, linesOf(client, expected)]))
    },
  )
})

/** Which of the files is left depends on the order of the writes, but not all of them are. */
function collision({ state, written }: Observation, input: string): readonly string[] {
  const { files } = (JSON.parse(input) as { readonly info: { readonly files: readonly unknown[] } }).info
  return state !== 'complete' || written.length < files.length ? COLLIDES : ['writes every file']
}
