import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../../src/core/address.ts'
import type { AnnounceRequest } from '../../../src/core/announce.ts'
import { ManualClock } from '../../../src/core/clock.ts'
import { CompletionPoller } from '../../../src/tracker/completion-poller.ts'

const from = parseAddress('10.1.0.7')!
const request: AnnounceRequest = {
  infoHash: Buffer.alloc(20, 1),
  peerId: Buffer.from('-lt0D80-abcdefghijkl', 'latin1'),
  port: 6881,
  downloadedBytes: 10,
  uploadedBytes: 0,
  leftBytes: 990,
  event: 'started',
  peersWanted: undefined,
  key: Buffer.alloc(0),
}

function aWatch(answers: (number | undefined)[]) {
  const clock = new ManualClock()
  const asked: number[] = []
  const learnt: AnnounceRequest[] = []
  const startMs = clock.nowMs()
  const finishers = new CompletionPoller(
    () => {
      asked.push(clock.nowMs() - startMs)
      return Promise.resolve(answers.shift())
    },
    clock,
    (announce) => learnt.push(announce),
  )
  const advance = async (byMs: number) => {
    clock.advanceMs(byMs)
    finishers.tick()
    // The inquiry answers in the next turn.
    await Promise.resolve()
    await Promise.resolve()
  }
  return { finishers, asked, learnt, advance }
}

describe('clients that do not tell when they are complete', () => {
  it('are asked a second after they were told whom to fetch from', async () => {
    const { finishers, asked, advance } = aWatch([0])
    finishers.track(request, from)
    await advance(999)
    expect(asked).toEqual([])
    await advance(1)
    expect(asked).toEqual([1000])
  })

  it('are asked a second after an answer that they had to wait for', async () => {
    const { finishers, asked, advance } = aWatch([])
    let answer: (reply: unknown) => void = () => undefined
    finishers.track(request, from, new Promise((resolve) => (answer = resolve)))
    await advance(20_000)
    answer('who is there')
    await advance(0)
    await advance(999)
    expect(asked).toEqual([])
    await advance(1)
    expect(asked).toEqual([21_000])
  })

  it('are not asked where they were told to come back', async () => {
    const { finishers, advance } = aWatch([])
    finishers.track(request, from, Promise.reject(new Error('too early')))
    await advance(0)
    expect(finishers.size).toBe(0)
  })

  it('are asked ever more rarely', async () => {
    const { finishers, asked, advance } = aWatch([])
    finishers.track(request, from)
    for (let second = 0; second < 200; second++) await advance(1000)
    const pauses = asked.slice(1).map((atMs, index) => atMs - asked[index]!)
    expect(pauses[0]).toBe(1000)
    expect(pauses.at(-1)).toBe(7000)
    expect(pauses.toSorted((a, b) => a - b)).toEqual(pauses)
  })

  it('are announced with what they have once they have begun, and at each further tenth', async () => {
    const { finishers, learnt, advance } = aWatch([0.01, 0.04, 0.09, 0.1, 0.35, 0.39, 0.41])
    finishers.track(request, from)
    for (let second = 0; second < 10; second++) await advance(1000)
    expect(
      learnt.map(({ event, leftBytes, downloadedBytes }) => [event, leftBytes, downloadedBytes]),
    ).toEqual([
      ['none', 951, 49],
      ['none', 891, 109],
      ['none', 644, 356],
      ['none', 585, 415],
    ])
  })

  it('are asked more often when they need only a little more', async () => {
    const { finishers, asked, advance } = aWatch([0, 0, 0, 0, 0.5, 0.9])
    finishers.track(request, from)
    for (let half = 0; half < 400; half++) await advance(500)
    const pauses = asked.slice(1).map((atMs, index) => atMs - asked[index]!)
    expect(pauses.slice(0, 7)).toEqual([1000, 1000, 1000, 1000, 500, 500, 500])
  })

  it('are announced as complete once they answer that they are, and asked no more', async () => {
    const { finishers, asked, learnt, advance } = aWatch([0, undefined, 1])
    finishers.track(request, from)
    for (let second = 0; second < 10; second++) await advance(1000)
    expect(asked).toHaveLength(3)
    expect(learnt).toMatchObject([
      { event: 'completed', leftBytes: 0, downloadedBytes: 1000, peersWanted: 0 },
    ])
    expect(finishers.size).toBe(0)
  })

  it('are asked no more once they said it themselves', async () => {
    const { finishers, asked, advance } = aWatch([1])
    finishers.track(request, from)
    finishers.forget(request, from)
    await advance(5000)
    expect(asked).toEqual([])
  })

  it('are not announced twice where the client said it during the inquiry', async () => {
    const { finishers, learnt, advance } = aWatch([1])
    finishers.track(request, from)
    const asking = advance(1000)
    finishers.forget(request, from)
    await asking
    expect(learnt).toEqual([])
  })

  it('are given up after a day', async () => {
    const { finishers, advance } = aWatch([])
    finishers.track(request, from)
    await advance(24 * 3_600_000 + 1)
    expect(finishers.size).toBe(0)
  })

  it('are asked over at most 32 connections at the same time', async () => {
    const clock = new ManualClock()
    let asked = 0
    const finishers = new CompletionPoller(
      () => {
        asked++
        return new Promise(() => undefined)
      },
      clock,
      () => undefined,
    )
    for (let port = 1; port <= 40; port++) finishers.track({ ...request, port }, from)
    clock.advanceMs(1000)
    finishers.tick()
    expect(asked).toBe(32)
  })
})
