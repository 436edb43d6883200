/**
 * The first eight bytes of the peer id of each row, which name the client and its version (BEP 20). Two bytes a row: the
 * number of the code in a list, because a site has few kinds of clients.
 */
export const CODE_BYTES = 8
/** Further codes are not kept: a flood of random peer ids must not fill the memory. */
const CODES_MAX = 4_096
const CHUNK_ROWS_LOG2 = 14
const CHUNK_ROWS = 1 << CHUNK_ROWS_LOG2

/** Eight characters of one byte each. */
export function clientCodeOf(peerId: Buffer): string {
  return peerId.toString('latin1', 0, CODE_BYTES)
}

export class ClientCodes {
  readonly #chunks: (Uint16Array | undefined)[] = []
  /** The code of number n is at n - 1; 0 stands for none. */
  readonly #codes: string[] = []
  readonly #numbers = new Map<string, number>()

  get bytes(): number {
    let chunks = 0
    for (const chunk of this.#chunks) if (chunk !== undefined) chunks++
    return chunks * CHUNK_ROWS * 2
  }

  set(row: number, code: string): void {
    let number = this.#numbers.get(code)
    if (number === undefined) {
      if (this.#codes.length >= CODES_MAX) return this.clear(row)
      number = this.#codes.push(code)
      this.#numbers.set(code, number)
    }
    const chunk = (this.#chunks[row >>> CHUNK_ROWS_LOG2] ??= new Uint16Array(CHUNK_ROWS))
    chunk[row % CHUNK_ROWS] = number
  }

  /** undefined where no record of the peer has it. */
  get(row: number): string | undefined {
    const number = this.#chunks[row >>> CHUNK_ROWS_LOG2]?.[row % CHUNK_ROWS] ?? 0
    return this.#codes[number - 1]
  }

  /** The row is released. */
  clear(row: number): void {
    const chunk = this.#chunks[row >>> CHUNK_ROWS_LOG2]
    if (chunk !== undefined) chunk[row % CHUNK_ROWS] = 0
  }
}
