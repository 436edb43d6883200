import { expect, test } from 'vitest'
import { rateShare } from '../../../src/daemon/carriage/rate-share.ts'

const torrents = (...fills: number[]) => fills.map((fill) => Buffer.alloc(20, fill))
const lacks =
  (...fills: number[]) =>
  (infoHash: Buffer) =>
    fills.includes(infoHash[0] ?? 0)

test('a node that carries all torrents has the whole rate', () => {
  expect(rateShare({ own: torrents(1, 2), others: [] }, lacks(1))).toBe(1)
})

test('nodes divide the rate by the torrents that the other site lacks', () => {
  expect(rateShare({ own: torrents(1), others: torrents(2, 3, 4) }, lacks(1, 2, 3))).toBe(1 / 3)
  expect(rateShare({ own: torrents(2, 3, 4), others: torrents(1) }, lacks(1, 2, 3))).toBe(2 / 3)
})

test('torrents that the other site has, or does not want, take no share', () => {
  expect(rateShare({ own: torrents(1), others: torrents(2, 3) }, lacks(1))).toBe(1)
})

test('a node without a torrent that the other site lacks keeps a share for the next one', () => {
  expect(rateShare({ own: torrents(5), others: torrents(1, 2, 3) }, lacks(1, 2, 3))).toBe(1 / 4)
})
