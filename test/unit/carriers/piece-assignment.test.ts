import { describe, expect, it } from 'vitest'
import { AssignedHost, type AssignableHost, PieceAssignment } from '../../../src/carriers/piece-assignment.ts'
import { SeededRandom } from '../../../src/core/random.ts'

const PIECES = 10
const always = () => true
const LATE = { isOfferable: always, lateMax: Infinity, nowMs: 0 }

function anAssignment(start = 0) {
  return new PieceAssignment<AssignableHost>({ pieces: PIECES, start, random: new SeededRandom(1) })
}

const OFFER_MS_MAX = 10_000

function aHost(assignment: PieceAssignment<AssignableHost>, offersMax = 2): AssignableHost {
  const host = { assigned: new AssignedHost(PIECES), offersMax, offerMsMax: OFFER_MS_MAX }
  assignment.addHost(host)
  return host
}

function offerAll(
  assignment: PieceAssignment<AssignableHost>,
  nowMs = 0,
): { host: AssignableHost; piece: number }[] {
  const offers: { host: AssignableHost; piece: number }[] = []
  for (;;) {
    const piece = assignment.nextNew(always)
    const offer = piece === undefined ? undefined : assignment.offerNew(piece, nowMs)
    if (offer === undefined) return offers
    offers.push(offer)
  }
}

describe('the assignment of pieces', () => {
  it('offers each piece to one host, in order, within the window of the host', () => {
    const assignment = anAssignment(8)
    const hosts = [aHost(assignment), aHost(assignment)]
    const offers = offerAll(assignment)
    expect(offers.map(({ piece }) => piece)).toEqual([8, 9, 0, 1])
    expect(offers.map(({ host }) => hosts.indexOf(host))).toEqual([0, 1, 0, 1])
  })

  it('offers further pieces once the host has one', () => {
    const assignment = anAssignment()
    const host = aHost(assignment)
    offerAll(assignment)
    expect(assignment.gained(host, 0)).toBe(true)
    expect(offerAll(assignment).map(({ piece }) => piece)).toEqual([2])
  })

  it('skips pieces that a host of the site has', () => {
    const assignment = anAssignment()
    const host = aHost(assignment, 3)
    assignment.gained(host, 0)
    assignment.gained(host, 2)
    expect(offerAll(assignment).map(({ piece }) => piece)).toEqual([1, 3, 4])
  })

  it('skips pieces that cannot be offered yet, and offers them later', () => {
    const assignment = anAssignment()
    aHost(assignment, 3)
    const first = assignment.nextNew((piece) => piece !== 0)
    expect(first).toBe(1)
    expect(assignment.offerNew(first!, 0)?.piece).toBe(1)
    expect(assignment.nextNew(always)).toBe(0)
  })

  it('offers the pieces of a host that left to another one, those that it had included', () => {
    const assignment = anAssignment()
    const gone = aHost(assignment)
    offerAll(assignment)
    assignment.gained(gone, 0)
    assignment.removeHost(gone)
    aHost(assignment, 4)
    expect(offerAll(assignment).map(({ piece }) => piece)).toEqual([0, 1, 2, 3])
  })

  it('takes back an offer that had no effect, and offers one piece at a time to such a host', () => {
    const assignment = anAssignment()
    const idle = aHost(assignment)
    offerAll(assignment)
    assignment.expire(OFFER_MS_MAX - 1)
    expect(assignment.isAssigned(0)).toBe(true)
    assignment.expire(OFFER_MS_MAX)
    expect(assignment.isAssigned(0)).toBe(false)
    expect(offerAll(assignment, OFFER_MS_MAX).map(({ piece }) => piece)).toEqual([0])
    assignment.gained(idle, 0)
    expect(offerAll(assignment, OFFER_MS_MAX)).toHaveLength(2)
  })

  it('keeps an offer whose blocks are served', () => {
    const assignment = anAssignment()
    const host = aHost(assignment, 1)
    offerAll(assignment)
    assignment.served(host, 0, 5_000)
    assignment.expire(OFFER_MS_MAX + 1_000)
    expect(assignment.isAssigned(0)).toBe(true)
  })

  it('offers what a host lacks once each piece is at a host or offered to one, the rarest first', () => {
    const assignment = anAssignment()
    const rich = aHost(assignment)
    const other = aHost(assignment)
    const poor = aHost(assignment, 1)
    for (let piece = 0; piece < PIECES; piece++) assignment.gained(rich, piece)
    for (let piece = 0; piece < PIECES; piece++) if (piece !== 6) assignment.gained(other, piece)
    expect(assignment.isDistributed).toBe(true)
    expect([...assignment.offerLate(poor, LATE)]).toEqual([6])
    expect([...assignment.offerLate(rich, LATE)]).toEqual([])
  })

  it('offers a late piece once to each host', () => {
    const assignment = anAssignment()
    const rich = aHost(assignment)
    for (let piece = 0; piece < PIECES; piece++) assignment.gained(rich, piece)
    const poor = aHost(assignment, 100)
    expect([...assignment.offerLate(poor, LATE)].toSorted((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ])
    expect([...assignment.offerLate(poor, LATE)]).toEqual([])
  })

  it('offers late pieces within a limit of their own, also before each piece was offered', () => {
    const assignment = anAssignment()
    const rich = aHost(assignment)
    for (const piece of [3, 4, 5, 6]) assignment.gained(rich, piece)
    const poor = aHost(assignment, 100)
    const early = { isOfferable: (piece: number) => piece >= 4 && piece <= 6, lateMax: 2, nowMs: 0 }
    const first = [...assignment.offerLate(poor, early)]
    expect(first).toHaveLength(2)
    expect([...assignment.offerLate(poor, early)]).toEqual([])
    assignment.gained(poor, first[0]!)
    expect([4, 5, 6]).toEqual([...first, ...assignment.offerLate(poor, early)].toSorted((a, b) => a - b))
  })
})
