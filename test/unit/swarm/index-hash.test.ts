import { expect, test } from 'vitest'
import { Address } from '../../../src/core/address.ts'
import { IndexHash } from '../../../src/swarm/index-hash.ts'

const hash = new IndexHash(Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]))
const other = new IndexHash(Buffer.from([8, 1, 2, 3, 4, 5, 6, 7]))

test('is HalfSipHash-1-3: twelve bytes 0 … 11 have the published hash', () => {
  expect(hash.endpoint4(0x03020100, 0x07060504, 0x0b0a0908)).toBe(0x6b28096c)
})

test('another key gives another hash', () => {
  expect(hash.client(1, 2, 0)).not.toBe(other.client(1, 2, 0))
})

test('endpoints that collide under one key are spread under another', () => {
  // The attacker knows this key: all of these rows share the 9 bits that select a shard of the index.
  const target = hash.endpoint4(0, 0x7f010101, 1) & 0x1ff
  const colliding: number[] = []
  for (let address = 0x7f000000; colliding.length < 2_000; address++)
    if ((hash.endpoint4(0, address, 6881) & 0x1ff) === target) colliding.push(address)
  const shards = new Set(colliding.map((address) => other.endpoint4(0, address, 6881) & 0x1ff))
  expect(shards.size).toBeGreaterThan(480)
})

test('every word of a peer counts, for each address family', () => {
  const infoHash = Buffer.alloc(20, 3)
  const v6 = new Address(0x20010db8, 1, 2, 3)
  const hashes = [
    hash.endpoint(1, Address.v4(5), 6),
    hash.endpoint(2, Address.v4(5), 6),
    hash.endpoint(1, Address.v4(6), 6),
    hash.endpoint(1, Address.v4(5), 7),
    hash.endpoint(1, v6, 6),
    ...[0, 1, 2, 3].map((word) => {
      const words: [number, number, number, number] = [0x20010db8, 1, 2, 3]
      words[word] = 77
      return hash.endpoint(1, new Address(...words), 6)
    }),
    hash.peer(infoHash, v6, 6),
    hash.peer(infoHash, v6, 7),
    hash.peer(Buffer.alloc(20, 4), v6, 6),
    hash.peer(infoHash, Address.v4(5), 6),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
})
