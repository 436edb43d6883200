/** Derives an input from known ones, by one to eight small changes. All choices come from the random port. */
import type { SeededRandom } from '../../src/core/random.ts'

const CHANGES_MAX = 8
const INSERTED_BYTES_MAX = 16
/** Lengths and numbers at which parsers change their behaviour. */
const NUMBERS_32 = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
]
const DECIMALS = ['0', '-1', '-0', '00', '65535', '65536', '4294967296', '9007199254740992', '9'.repeat(30)]

export class Mutator {
  readonly #random: SeededRandom
  readonly #tokens: readonly Buffer[]
  readonly #bytesMax: number

  constructor(random: SeededRandom, tokens: readonly string[], bytesMax: number) {
    this.#random = random
    this.#tokens = [...tokens, ...DECIMALS].map((token) => Buffer.from(token, 'latin1'))
    this.#bytesMax = bytesMax
  }

  next(known: readonly Buffer[]): Buffer {
    let bytes: Buffer = Buffer.from(this.#choose(known) ?? Buffer.alloc(0))
    for (let changes = 1 + this.#random.below(CHANGES_MAX); changes > 0; changes--)
      bytes = this.#change(bytes, known)
    return bytes.length > this.#bytesMax ? bytes.subarray(0, this.#bytesMax) : bytes
  }

  #change(bytes: Buffer, known: readonly Buffer[]): Buffer {
    const at = this.#random.below(bytes.length + 1)
    const length = Math.min(bytes.length - at, 1 + this.#random.below(INSERTED_BYTES_MAX))
    switch (this.#random.below(10)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << this.#random.below(8))
        return bytes
      case 1:
        if (at < bytes.length) bytes[at] = this.#random.below(256)
        return bytes
      case 2:
        return replaced(bytes, at, length, Buffer.alloc(0))
      case 3:
        return replaced(bytes, at, 0, bytes.subarray(at, at + length))
      case 4:
        return replaced(bytes, at, 0, this.#randomBytes())
      case 5:
        return replaced(bytes, at, 0, this.#choose(this.#tokens) ?? Buffer.alloc(0))
      case 6: {
        const token = this.#choose(this.#tokens) ?? Buffer.alloc(0)
        return replaced(bytes, at, token.length, token)
      }
      case 7:
        return this.#withNumber(bytes, at)
      case 8:
        return replaced(bytes, at, this.#random.below(2) * bytes.length, this.#part(known))
      default:
        return bytes.subarray(0, at)
    }
  }

  /** A big-endian number of one, two or four bytes. */
  #withNumber(bytes: Buffer, at: number): Buffer {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(NUMBERS_32[this.#random.below(NUMBERS_32.length)] ?? 0)
    const width = 1 << this.#random.below(3)
    return replaced(bytes, at, width, number.subarray(4 - width))
  }

  #part(known: readonly Buffer[]): Buffer {
    const other = this.#choose(known) ?? Buffer.alloc(0)
    const start = this.#random.below(other.length + 1)
    return other.subarray(start, start + this.#random.below(other.length - start + 1))
  }

  #randomBytes(): Buffer {
    return Buffer.from(
      Array.from({ length: 1 + this.#random.below(INSERTED_BYTES_MAX) }, () => this.#random.below(256)),
    )
  }

  #choose<T>(from: readonly T[]): T | undefined {
    return from.length === 0 ? undefined : from[this.#random.below(from.length)]
  }
}

function replaced(bytes: Buffer, at: number, length: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(Math.min(bytes.length, at + length))])
}
