/**
 * The first eight bytes of the peer id of each row, which name the client and its version (BEP 20). A row holds the
 * number of the code in a list, because a site has few kinds of clients.
 */
import { CLIENT_CODE_MAX, type PeerRows } from './peer-rows.ts'

export const CODE_BYTES = 8
/** Eight characters of one byte each. */
export function clientCodeOf(peerId: Buffer): string {
  return peerId.toString('latin1', 0, CODE_BYTES)
}

export class ClientCodes {
  readonly #rows: PeerRows
  /** The code of number n is at n - 1; 0 stands for none. */
  readonly #codes: string[] = []
  readonly #numbers = new Map<string, number>()

  constructor(rows: PeerRows) {
    this.#rows = rows
  }

  /** Codes beyond `CLIENT_CODE_MAX` are not kept: a flood of random peer ids must not fill the memory. */
  set(row: number, code: string): void {
    let number = this.#numbers.get(code)
    if (number === undefined) {
      if (this.#codes.length === CLIENT_CODE_MAX) return this.clear(row)
      number = this.#codes.push(code)
      this.#numbers.set(code, number)
    }
    this.#rows.setClientCode(row, number)
  }

  /** undefined where no record of the peer has it. */
  get(row: number): string | undefined {
    return this.#codes[this.#rows.clientCode(row) - 1]
  }

  clear(row: number): void {
    this.#rows.setClientCode(row, 0)
  }
}
