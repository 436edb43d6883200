/** The names that real clients give the files of a torrent, compared with the golden cases. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientName } from '../../src/metainfo/clients/client.ts'
import { aZeroTorrent, type ZeroTorrentCase } from '../a-zero-torrent.ts'
import { COLLIDES, linesOf, namesFromObservation, namesFromReaders } from '../client-names-text.ts'
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

const TEXTS = ['a', 'B', 'ä', 'i\u0301', '日', '😀', ' ', '.', '..', '_', '%41', '.txt', 'n'.repeat(80)]
const RESERVED = ['\\', ':', '?', '*', '"', '<', '|', '#', '+', '&', 'con', 'NUL']
const MARKS = ['\u202e', '\u200f', '\u0001', '\u007f']

/** Names of awkward parts, some of them not UTF-8. The same in every run. */
function generatedTorrents(): Map<string, ZeroTorrentCase> {
  const part = fc.constantFrom(...TEXTS, ...RESERVED, ...MARKS)
  const bytes = fc.constantFrom('ff', 'e9', 'c3', 'f09f', 'eda080', 'c0af', 'f8888080')
  const text = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => Buffer.from(parts.join('')))
  const name = fc.tuple(text, fc.option(bytes, { freq: 4 }), text).map(([before, broken, after]) => ({
    hex: `${before.toString('hex')}${broken ?? ''}${after.toString('hex')}`,
  }))
  const file = fc.array(name, { minLength: 1, maxLength: 2 }).map((path) => ({ path }))
  const info = fc.record({ name, files: fc.array(file, { minLength: 2, maxLength: 3 }) })
  return new Map(
    fc.sample(info, { numRuns: 60, seed: 11 }).map((each, index) => [`${index}`, { info: each }]),
  )
}

describe.each(observed)('%s', (client, requirement) => {
  it.skipIf(needs(requirement) !== false)(
    'gives the files of generated torrents the names that the readers expect',
    // aria2 does not start one of sixty torrents in time now and then.
    { timeout: 240_000, retry: 1 },
    async () => {
      const torrents = generatedTorrents()
      const observations = await observe(
        client,
        new Map(
          [...torrents].map(([name, input]) => [name, (webSeed: string) => aZeroTorrent(input, webSeed)]),
        ),
      )
      const expected = [...torrents].map(([name, input]) => {
        const torrent = aZeroTorrent(input)
        return {
          name,
          torrent: torrent.toString('latin1'),
          lines: linesOf(client, namesFromReaders(torrent)),
        }
      })
      const compared = expected.filter(({ lines }) => lines.join() !== COLLIDES.join())
      expect(compared.length).toBeGreaterThan(40)
      expect(
        compared.map((each) => {
          const observation = observations.get(each.name)
          return { ...each, lines: observation === undefined ? [] : namesFromObservation(observation) }
        }),
      ).toEqual(compared)
    },
  )
})

/** Which of the files is left depends on the order of the writes, but not all of them are. */
function collision({ state, written }: Observation, input: string): readonly string[] {
  const { files } = (JSON.parse(input) as { readonly info: { readonly files: readonly unknown[] } }).info
  return state !== 'complete' || written.length < files.length ? COLLIDES : ['writes every file']
}
