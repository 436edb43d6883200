/**
 * The numbers that rows hold for their places. A new topology changes the place of each number, and no row: writing nine
 * million rows would stop the event loop for half a second.
 *
 * Several numbers may have one place after a change. New rows get one of them, `Relocation` writes it into all others, and
 * `settle` then frees the rest.
 */

/** A row has 16 bits for it. */
const NUMBERS = 0x1_0000
const FREE = -1

export class PlaceNumbers {
  /** Place of each number. undefined: each place is its own number, as before the first change. */
  #places: Int32Array | undefined = undefined
  /** Number of each place for new rows. */
  #numbers: Int32Array | undefined = undefined

  placeOf(number: number): number {
    return this.#places === undefined ? number : (this.#places[number] as number)
  }

  numberOf(place: number): number {
    return this.#numbers === undefined ? place : (this.#numbers[place] as number)
  }

  /**
   * `after`: new places by old ones; -1 for a place without rows. `places`: their number in the new topology. Changes
   * nothing and returns false where the free numbers do not suffice for places without one: then the rows have to be written.
   */
  replace(after: Int32Array, places: number): boolean {
    if (this.#places === undefined && after.every((place, before) => place === before)) return true
    const used = this.#places?.length ?? after.length
    const placeOf = new Int32Array(Math.min(NUMBERS, used + places)).fill(FREE)
    const numberOf = new Int32Array(places).fill(FREE)
    for (let number = 0; number < used; number++) {
      const place = after[this.placeOf(number)] ?? FREE
      placeOf[number] = place
      if (place >= 0 && numberOf[place] === FREE) numberOf[place] = number
    }
    for (let place = 0, free = 0; place < places; place++) {
      if (numberOf[place] !== FREE) continue
      while (free < placeOf.length && placeOf[free] !== FREE) free++
      if (free === placeOf.length) return false
      numberOf[place] = free
      placeOf[free] = place
    }
    this.#places = placeOf.slice(0, placeOf.findLastIndex((place) => place !== FREE) + 1)
    this.#numbers = numberOf
    return true
  }

  /** No row has a number other than `numberOf` its place. */
  settle(): void {
    for (const [number, place] of (this.#places ?? []).entries())
      if (place !== FREE && this.numberOf(place) !== number) (this.#places as Int32Array)[number] = FREE
  }
}
