import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/core/random.ts'
import { Exchange } from '../../../src/simulation/exchange.ts'
import { Population } from '../../../src/simulation/population.ts'
import { aScenario, type ScenarioLiteral } from '../../a-scenario.ts'

/** Hosts of one site that know only whom a test connects; host 0 has everything. */
function anExchange(hosts: number, literal: ScenarioLiteral = {}) {
  const scenario = aScenario({ hosts: [hosts], sizeBytes: 1_000_000, ...literal })
  const completed: number[] = []
  const dropped: [number, number][] = []
  const exchange = new Exchange({
    population: new Population(scenario, new SeededRandom(1)),
    pieceCount: 16,
    sizeBytes: scenario.sizeBytes,
    nicBitsPerSecond: 8e6,
    wanBitsPerSecond: scenario.wanBitsPerSecond,
    random: new SeededRandom(1),
    onComplete: (host) => completed.push(host),
    onDropped: (leecher, finisher) => dropped.push([leecher, finisher]),
  })
  exchange.seed(0)
  return {
    exchange,
    completed,
    dropped,
    stepSeconds(seconds: number) {
      for (let step = 0; step < seconds * 100; step++) exchange.step(0.01)
    },
  }
}

describe('an exchange', () => {
  it('brings a megabyte over 8 Mbit/s in 1.05 s, frames and all', () => {
    const { exchange, completed, stepSeconds } = anExchange(2)
    exchange.connect(0, 1)
    stepSeconds(1.04)
    expect(completed).toEqual([])
    stepSeconds(0.02)
    expect(completed).toEqual([1])
  })

  it('passes on what has come before all has come', () => {
    const { exchange, completed, stepSeconds } = anExchange(3)
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    stepSeconds(1.25)
    expect(completed).toEqual([1, 2])
  })

  it('passes nothing on before all has come, where the client does not', () => {
    const { exchange, completed, stepSeconds } = anExchange(3, { client: 'transmission' })
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    stepSeconds(1.25)
    expect(completed).toEqual([1])
    stepSeconds(1)
    expect(completed).toEqual([1, 2])
  })

  it('brings to each host exactly the size of the file', () => {
    const { exchange, stepSeconds } = anExchange(6)
    for (let host = 1; host < 6; host++)
      for (let other = 0; other < host; other++) exchange.connect(host, other)
    stepSeconds(5)
    const received = Array.from(exchange.downloads.hostInBytes, (bytes) => Math.round(bytes))
    expect(received).toEqual([0, 1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000])
  })

  it('brings nothing to a host that knows nobody', () => {
    const { exchange, stepSeconds } = anExchange(3)
    exchange.connect(0, 1)
    stepSeconds(5)
    expect(exchange.pieces.haveCount[2]).toBe(0)
  })

  it('ends connections between two that have everything', () => {
    const { exchange, stepSeconds } = anExchange(2)
    exchange.connect(0, 1)
    stepSeconds(2)
    expect(exchange.connections.degree(0)).toBe(0)
  })

  it('ends with a host that goes away, and others ask elsewhere for what it owed them', () => {
    const { exchange, completed, stepSeconds } = anExchange(3)
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    stepSeconds(0.5)
    exchange.remove(1)
    exchange.connect(0, 2)
    stepSeconds(2)
    expect(completed).toEqual([2])
  })

  it('takes no more connections than a client has', () => {
    const { exchange } = anExchange(60, { client: 'transmission' })
    for (let host = 1; host < 60; host++) exchange.connect(host, 0)
    expect(exchange.connections.degree(0)).toBe(50)
  })

  it('serves as many at a time as a client has slots', () => {
    const { exchange } = anExchange(12, { client: 'libtorrent' })
    for (let host = 1; host < 12; host++) exchange.connect(host, 0)
    exchange.step(0.01)
    expect(exchange.downloads.transfers.count).toBe(8)
  })
})

describe('a host that finishes', () => {
  it('is left by a libtorrent neighbour that lacks nothing but its last piece', () => {
    const { exchange, dropped, stepSeconds } = anExchange(4, { client: 'libtorrent' })
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    // Slows the source down, so that 2 has all that 1 has at any time.
    exchange.connect(0, 3)
    stepSeconds(5)
    expect(dropped).toEqual([[2, 1]])
    expect(exchange.pieces.haveCount[2]).toBe(15)
  })

  it('is not left by a client that does not do that', () => {
    const { exchange, dropped, completed, stepSeconds } = anExchange(3, { client: 'aria2' })
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    stepSeconds(5)
    expect(dropped).toEqual([])
    expect(completed).toEqual([1, 2])
  })
})
