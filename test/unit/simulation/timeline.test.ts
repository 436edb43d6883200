import { expect, it } from 'vitest'
import { kinds, Timeline } from '../../../src/simulation/timeline.ts'

function due(timeline: Timeline, nowMs: number): number[] {
  const found: number[] = []
  while (timeline.next(nowMs)) found.push(timeline.event.a)
  return found
}

it('returns events in the order of time', () => {
  const timeline = new Timeline()
  for (const atMs of [50, 20, 90, 10, 70, 30, 60, 40, 80]) timeline.add(atMs, kinds.announce, atMs)
  expect(due(timeline, 1000)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90])
})

it('returns events of the same time in the order of insertion', () => {
  const timeline = new Timeline()
  for (let number = 0; number < 20; number++) timeline.add(5, kinds.dial, number)
  expect(due(timeline, 5)).toEqual(Array.from({ length: 20 }, (_, number) => number))
})

it('keeps events that are not due', () => {
  const timeline = new Timeline()
  timeline.add(10, kinds.announce, 1)
  timeline.add(11, kinds.announce, 2)
  expect(due(timeline, 10)).toEqual([1])
  expect(timeline.firstMs).toBe(11)
})

it('grows beyond its initial capacity', () => {
  const timeline = new Timeline()
  for (let atMs = 5000; atMs > 0; atMs--) timeline.add(atMs, kinds.announce, atMs)
  expect(due(timeline, 3)).toEqual([1, 2, 3])
  expect(due(timeline, 5000)).toHaveLength(4997)
})
