import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/core/random.ts'
import { Connections } from '../../../src/simulation/connections.ts'
import { PiecePicker } from '../../../src/simulation/pick-piece.ts'
import { Pieces } from '../../../src/simulation/pieces.ts'

/** Host 0 has all pieces, the others the listed ones; all are connected to host 1. */
function aNeighbourhood(...listed: readonly (readonly number[])[]) {
  const hosts = listed.length + 1
  const pieces = new Pieces(hosts, 70)
  const connections = new Connections(hosts)
  pieces.addAll(0)
  for (const [index, ofHost] of listed.entries()) for (const piece of ofHost) pieces.add(index + 1, piece)
  for (let host = 0; host < hosts; host++) if (host !== 1) connections.open(1, host)
  return { pieces, connections, picker: new PiecePicker(pieces, connections, new SeededRandom(7)) }
}

const except = (...pieces: readonly number[]) =>
  Array.from({ length: 70 }, (_, piece) => piece).filter((piece) => !pieces.includes(piece))

describe('the next piece', () => {
  it('is one that no other neighbour has', () => {
    const { picker } = aNeighbourhood([], except(3, 69), except(3), except(40, 69))
    expect(picker.pick(0, 1)).toBe(3)
  })

  it('is the one that the fewest neighbours have', () => {
    const { picker } = aNeighbourhood([], except(), except(66), except(5, 66), except(66))
    expect(picker.pick(0, 1)).toBe(66)
  })

  it('is neither present nor requested', () => {
    const { pieces, picker } = aNeighbourhood(except(7, 8, 9))
    pieces.request(1, 7)
    pieces.request(1, 9)
    expect(picker.pick(0, 1)).toBe(8)
    pieces.request(1, 8)
    expect(picker.pick(0, 1)).toBe(-1)
  })

  it('is requested again once all missing pieces are requested', () => {
    const { pieces, picker } = aNeighbourhood(except(33))
    pieces.request(1, 33)
    expect(pieces.isEndgame(1)).toBe(true)
    expect(picker.pickAgain(0, 1)).toBe(33)
  })

  it('is random among equally rare ones', () => {
    const { picker } = aNeighbourhood([])
    const picked = new Set(Array.from({ length: 400 }, () => picker.pick(0, 1)))
    expect(picked.size).toBeGreaterThan(60)
  })
})

describe('the pieces of a host', () => {
  it('can be given to a host that lacks one of them', () => {
    const { pieces } = aNeighbourhood([1, 2], [2], [])
    expect(pieces.canGive(1, 2)).toBe(true)
    expect(pieces.canGive(2, 1)).toBe(false)
    expect(pieces.canGive(3, 1)).toBe(false)
  })
})
