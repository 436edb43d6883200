import { describe, expect, it } from 'vitest'
import { type Address, parseAddress } from '../../../../src/core/address.ts'
import { assert } from '../../../../src/core/assert.ts'
import { ManualClock } from '../../../../src/core/clock.ts'
import { BusySources } from '../../../../src/server/udp/busy-sources.ts'

const at = (text: string): Address => {
  const address = parseAddress(text)
  assert(address !== undefined, 'the tests write whole addresses')
  return address
}

function aQueue() {
  const clock = new ManualClock(1_000_000)
  const turns: (() => void)[] = []
  const busy = new BusySources(clock, (work) => turns.push(work))
  const answered: string[] = []
  const send = (from: string, count: number) => {
    for (let sent = 0; sent < count; sent++) busy.take(at(from), () => answered.push(from))
  }
  const answeredTo = (from: string) => answered.filter((each) => each === from).length
  /** Until nothing waits. */
  const endTurns = () => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn()
  }
  return { busy, clock, turns, answered, send, answeredTo, endTurns }
}

describe('a source that sends many datagrams', () => {
  it('is answered at once fifty times in a tenth of a second, and then after all others', () => {
    const { answered, send, answeredTo, endTurns } = aQueue()
    send('10.0.0.1', 60)
    send('10.0.0.2', 1)
    expect(answeredTo('10.0.0.1')).toBe(50)
    expect(answered.at(-1)).toBe('10.0.0.2')
    endTurns()
    expect(answeredTo('10.0.0.1')).toBe(60)
  })

  it('is answered at once again in the next tenth of a second', () => {
    const { clock, send, answeredTo, endTurns } = aQueue()
    send('10.0.0.1', 51)
    endTurns()
    clock.advanceMs(100)
    send('10.0.0.1', 50)
    expect(answeredTo('10.0.0.1')).toBe(101)
  })

  it('is every address of its /64', () => {
    const { send, answered } = aQueue()
    for (let host = 1; host <= 60; host++) send(`fd00:1:2:3::${host.toString(16)}`, 1)
    send('fd00:1:2:4::1', 1)
    expect(answered).toHaveLength(51)
  })

  it('has no answer where two thousand datagrams wait, and each of those has one', () => {
    const { busy, send, answeredTo, endTurns } = aQueue()
    send('10.0.0.1', 2_053)
    expect(busy.dropped).toBe(3)
    endTurns()
    expect(answeredTo('10.0.0.1')).toBe(2_050)
  })

  it('is answered for a third of a millisecond of each turn', () => {
    const { busy, turns, answered } = aQueue()
    const startMs = performance.now()
    const work = () => {
      answered.push('')
      while (performance.now() - startMs < answered.length * 1.5);
    }
    for (let sent = 0; sent < 53; sent++) busy.take(at('10.0.0.1'), sent < 50 ? () => undefined : work)
    turns.shift()?.()
    expect(answered).toHaveLength(1)
    expect(turns).toHaveLength(1)
  })
})
