import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/core/random.ts'
import { Exchange } from '../../../src/simulation/exchange.ts'
import { Population } from '../../../src/simulation/population.ts'
import { aScenario, type ScenarioLiteral } from '../../a-scenario.ts'

/** Hosts of one site without connections; host 0 is a seed. */
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
  it('transfers a megabyte over 8 Mbit/s in 1.05 s, frame overhead included', () => {
    const { exchange, completed, stepSeconds } = anExchange(2)
    exchange.connect(0, 1)
    stepSeconds(1.04)
    expect(completed).toEqual([])
    stepSeconds(0.02)
    expect(completed).toEqual([1])
  })

  it('uploads pieces before the download is complete', () => {
    const { exchange, completed, stepSeconds } = anExchange(3)
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    stepSeconds(1.25)
    expect(completed).toEqual([1, 2])
  })

  it('uploads nothing before the download is complete if the client does not', () => {
    const { exchange, completed, stepSeconds } = anExchange(3, { client: 'transmission' })
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    stepSeconds(1.25)
    expect(completed).toEqual([1])
    stepSeconds(1)
    expect(completed).toEqual([1, 2])
  })

  it('transfers exactly the size of the file to each host', () => {
    const { exchange, stepSeconds } = anExchange(6)
    for (let host = 1; host < 6; host++)
      for (let other = 0; other < host; other++) exchange.connect(host, other)
    stepSeconds(5)
    const received = Array.from(exchange.downloads.hostInBytes, (bytes) => Math.round(bytes))
    expect(received).toEqual([0, 1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000])
  })

  it('transfers nothing to a host without connections', () => {
    const { exchange, stepSeconds } = anExchange(3)
    exchange.connect(0, 1)
    stepSeconds(5)
    expect(exchange.pieces.haveCount[2]).toBe(0)
  })

  it('closes connections between two seeds', () => {
    const { exchange, stepSeconds } = anExchange(2)
    exchange.connect(0, 1)
    stepSeconds(2)
    expect(exchange.connections.degree(0)).toBe(0)
  })

  it('closes the connections of a removed host, and its neighbours request the pieces elsewhere', () => {
    const { exchange, completed, stepSeconds } = anExchange(3)
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    stepSeconds(0.5)
    exchange.remove(1)
    exchange.connect(0, 2)
    stepSeconds(2)
    expect(completed).toEqual([2])
  })

  it('stops at the maximum connections of a client', () => {
    const { exchange } = anExchange(60, { client: 'transmission' })
    for (let host = 1; host < 60; host++) exchange.connect(host, 0)
    expect(exchange.connections.degree(0)).toBe(50)
  })

  it('uploads to as many peers as the client has slots', () => {
    const { exchange } = anExchange(12, { client: 'libtorrent' })
    for (let host = 1; host < 12; host++) exchange.connect(host, 0)
    exchange.step(0.01)
    expect(exchange.downloads.transfers.count).toBe(8)
  })
})

describe('a host that completes', () => {
  it('is disconnected by a libtorrent neighbour that lacks only its last piece', () => {
    const { exchange, dropped, stepSeconds } = anExchange(4, { client: 'libtorrent' })
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    // Slows the source down, so that host 2 always has all pieces of host 1.
    exchange.connect(0, 3)
    stepSeconds(5)
    expect(dropped).toEqual([[2, 1]])
    expect(exchange.pieces.haveCount[2]).toBe(15)
  })

  it('is not disconnected by other clients', () => {
    const { exchange, dropped, completed, stepSeconds } = anExchange(3, { client: 'aria2' })
    exchange.connect(0, 1)
    exchange.connect(1, 2)
    stepSeconds(5)
    expect(dropped).toEqual([])
    expect(completed).toEqual([1, 2])
  })
})
