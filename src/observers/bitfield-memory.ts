/**
 * Budget for the bitfields of torrents whose number of pieces is not known. A registered torrent bounds its bitfields
 * itself. For any other, a client decides how long its bitfield is: 4,096 clients with the longest one take 1 GiB.
 */

export class BitfieldMemory {
  readonly #bytesMax: number
  #usedBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#bytesMax) return false
    this.#usedBytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes
  }
}
