/**
 * Rarest-first selection, as in clients: among the pieces that the other side has and that are not yet requested,
 * the one that the fewest neighbours of the downloader have; random among equals.
 *
 * Neighbours are counted 32 pieces at a time: four words are the four binary digits of 32 counts, and a neighbour's
 * word is added to them with carries.
 */
import type { Random } from '../core/random.ts'
import type { Pieces } from './pieces.ts'

/** Maximum of four binary digits. Of more neighbours only this many are counted: the order of rarity stays the same. */
const NEIGHBOURS_COUNTED_MAX = 15

export interface Neighbours {
  degree(host: number): number
  neighbour(host: number, index: number): number
}

export class PiecePicker {
  readonly #pieces: Pieces
  readonly #neighbours: Neighbours
  readonly #random: Random
  /** Offsets of the words of the counted neighbours. */
  readonly #counted = new Int32Array(NEIGHBOURS_COUNTED_MAX)

  constructor(pieces: Pieces, neighbours: Neighbours, random: Random) {
    this.#pieces = pieces
    this.#neighbours = neighbours
    this.#random = random
  }

  /** A piece that `to` can request from `from`, or -1. */
  pick(from: number, to: number): number {
    const { have, requested, words } = this.#pieces
    const chance = this.#random.below(0x1_0000_0000)
    const counted = this.#countedNeighbours(from, to, chance)
    const offsets = this.#counted
    const fromAt = from * words
    const toAt = to * words
    let bestCount = 16
    let bestWord = -1
    let bestMask = 0
    let word = (chance >>> 5) % words
    for (let seen = 0; seen < words; seen++, word = word + 1 === words ? 0 : word + 1) {
      const wanted =
        (have[fromAt + word] as number) & ~(have[toAt + word] as number) & ~(requested[toAt + word] as number)
      if (wanted === 0) continue
      let ones = 0
      let twos = 0
      let fours = 0
      let eights = 0
      for (let index = 0; index < counted; index++) {
        const has = have[(offsets[index] as number) + word] as number
        const carryOne = ones & has
        const carryTwo = twos & carryOne
        ones ^= has
        twos ^= carryOne
        eights ^= fours & carryTwo
        fours ^= carryTwo
      }
      let count = 0
      let mask = wanted
      if ((mask & ~eights) !== 0) mask &= ~eights
      else count += 8
      if ((mask & ~fours) !== 0) mask &= ~fours
      else count += 4
      if ((mask & ~twos) !== 0) mask &= ~twos
      else count += 2
      if ((mask & ~ones) !== 0) mask &= ~ones
      else count += 1
      if (count >= bestCount) continue
      bestCount = count
      bestWord = word
      bestMask = mask
      if (count === 0) break
    }
    return bestWord < 0 ? -1 : bestWord * 32 + someBit(bestMask, chance & 31)
  }

  /** A piece that `to` lacks and has already requested elsewhere: the endgame. */
  pickAgain(from: number, to: number): number {
    const { have, words } = this.#pieces
    const chance = this.#random.below(0x1_0000_0000)
    let word = (chance >>> 5) % words
    for (let seen = 0; seen < words; seen++, word = word + 1 === words ? 0 : word + 1) {
      const wanted = (have[from * words + word] as number) & ~(have[to * words + word] as number)
      if (wanted !== 0) return word * 32 + someBit(wanted, chance & 31)
    }
    return -1
  }

  /** Skips complete neighbours and `from`: they have every candidate piece and do not change the order. */
  #countedNeighbours(from: number, to: number, chance: number): number {
    const { words } = this.#pieces
    const degree = this.#neighbours.degree(to)
    let counted = 0
    let index = degree <= NEIGHBOURS_COUNTED_MAX ? 0 : (chance >>> 8) % degree
    for (let seen = 0; seen < degree && counted < NEIGHBOURS_COUNTED_MAX; seen++) {
      const other = this.#neighbours.neighbour(to, index)
      if (other !== from && !this.#pieces.isComplete(other)) this.#counted[counted++] = other * words
      if (++index === degree) index = 0
    }
    return counted
  }
}

/** Position of the first set bit at or after `start`, wrapping around the word. */
function someBit(mask: number, start: number): number {
  const turned = (mask >>> start) | (mask << ((32 - start) & 31))
  return (31 - Math.clz32(turned & -turned) + start) & 31
}
