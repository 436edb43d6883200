import { expect, it } from 'vitest'
import { BatchQueue } from '../../../src/replication/redis/batch-queue.ts'

const aBatch = (bytes: number, atMs = 0) => ({ bytes: Buffer.alloc(bytes), atMs })

it('is first in, first out, also after it has compacted', () => {
  const queue = new BatchQueue(1_000_000)
  for (let atMs = 0; atMs < 3_000; atMs++) queue.push(aBatch(10, atMs))
  expect(queue.bytes).toBe(30_000)
  const order = Array.from({ length: 3_000 }, () => queue.shift()?.atMs)
  expect(order).toEqual(Array.from({ length: 3_000 }, (_, index) => index))
  expect([queue.shift(), queue.bytes]).toEqual([undefined, 0])
})

it('drops the oldest above its limit, not at it', () => {
  const queue = new BatchQueue(30)
  expect(queue.push(aBatch(10, 1))).toEqual([])
  expect(queue.push(aBatch(10, 2))).toEqual([])
  expect(queue.push(aBatch(10, 3))).toEqual([])
  expect(queue.push(aBatch(11, 4)).map(({ atMs }) => atMs)).toEqual([1, 2])
  expect(queue.bytes).toBe(21)
  expect(queue.oldest?.atMs).toBe(3)
})

it('drops a batch that exceeds the limit by itself', () => {
  const queue = new BatchQueue(30)
  expect(queue.push(aBatch(31, 7)).map(({ atMs }) => atMs)).toEqual([7])
  expect(queue.bytes).toBe(0)
})
