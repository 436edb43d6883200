import { describe, expect, it } from 'vitest'
import { Refusal } from '../../../src/core/errors.ts'
import { readScrape, writeScrapeResponse } from '../../../src/wire/http/scrape.ts'

const hexOf = (target: string) => readScrape(target).map((infoHash) => infoHash.toString('hex'))

/** Distinct hashes of 20 bytes, as a query. */
const hashes = (count: number) =>
  Array.from({ length: count }, (_, index) => `info_hash=${String(index).padStart(20, '-')}`).join('&')

function refusalOf(target: string): string {
  try {
    readScrape(target)
  } catch (error) {
    if (error instanceof Refusal) return `${error.code}: ${error.message}`
    throw error
  }
  return 'none'
}

describe('a scrape', () => {
  it('lists the torrents in byte order, each once', () => {
    const [a, b, z] = ['%00'.repeat(20), 'b'.repeat(20), '%ff'.repeat(20)]
    expect(hexOf(`/scrape?info_hash=${z}&info_hash=${b}&x=1&info_hash=${a}&info_hash=${b}`)).toEqual([
      '00'.repeat(20),
      '62'.repeat(20),
      'ff'.repeat(20),
    ])
  })

  it('may have 100 torrents, as from Transmission 3.00', () => {
    expect(readScrape(`/scrape?${hashes(100)}`)).toHaveLength(100)
  })

  it('is refused with 101 torrents, in words that make Transmission reduce its scrapes', () => {
    expect(refusalOf(`/scrape?${hashes(101)}`)).toBe(
      'TRK_SCRAPE_TOO_MANY: too many info_hash in one scrape: GET string too long, at most 100',
    )
  })

  it('is refused without an infohash', () => {
    const refused = 'TRK_SCRAPE_EMPTY: a scrape needs at least one info_hash'
    expect(refusalOf('/scrape')).toBe(refused)
    expect(refusalOf('/scrape?')).toBe(refused)
    expect(refusalOf('/scrape?key=x')).toBe(refused)
  })

  it.each(['', 'a'.repeat(19), 'a'.repeat(21), `${'a'.repeat(19)}%z0`])(
    'is refused for the hash "%s"',
    (hash) => {
      expect(refusalOf(`/scrape?info_hash=${'b'.repeat(20)}&info_hash=${hash}`)).toContain(
        'TRK_INFO_HASH_INVALID',
      )
    },
  )

  it('may be appended with a question mark to a URL that has a query', () => {
    expect(readScrape(`/scrape?pk=abc?info_hash=${'b'.repeat(20)}`)).toHaveLength(1)
  })

  it('has the number of downloaders only with partial seeds, since some readers fail on the key', () => {
    const scraped = (downloaders: number) =>
      writeScrapeResponse(
        [Buffer.from('b'.repeat(20))],
        [{ complete: 1, downloaded: 2, downloaders, incomplete: 3 }],
      )
    expect(scraped(3)).not.toContain('downloaders')
    expect(scraped(2)).toContain('11:downloadersi2e10:incompletei3e')
  })

  it('has zeros for a torrent without counts', () => {
    expect(writeScrapeResponse([Buffer.from('b'.repeat(20))], [])).toBe(
      'd5:filesd20:bbbbbbbbbbbbbbbbbbbbd8:completei0e10:downloadedi0e10:incompletei0eee' +
        '5:flagsd20:min_request_intervali1800eee',
    )
  })
})
