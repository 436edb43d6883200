/** Arithmetic on addresses: first address of a block, addresses as numbers, and the blocks that a range consists of. */
import { Address } from '../core/address.ts'

/** The address with all host bits cleared. */
export function firstAddress(address: Address, lengthBits: number): Address {
  // An IPv4 address is in the last of the four words (core/address.ts).
  const bits = address.isV4 ? lengthBits + 96 : lengthBits
  const keep = (word: number, before: number) => {
    const bitsHere = Math.min(32, Math.max(0, bits - before))
    // A shift by 32 is a shift by 0.
    return bitsHere === 0 ? 0 : (word & (-1 << (32 - bitsHere))) >>> 0
  }
  return new Address(
    keep(address.word0, 0),
    keep(address.word1, 32),
    keep(address.word2, 64),
    keep(address.word3, 96),
  )
}

/** In its own family: `0.0.0.1` and `::1` are both 1. */
export function numberOf(address: Address): bigint {
  if (address.isV4) return BigInt(address.word3)
  return (
    (BigInt(address.word0) << 96n) |
    (BigInt(address.word1) << 64n) |
    (BigInt(address.word2) << 32n) |
    BigInt(address.word3)
  )
}

/** The inverse of `numberOf`. */
export function addressOf(number: bigint, isV4: boolean): Address {
  const word = (shift: bigint) => Number((number >> shift) & 0xffff_ffffn)
  return isV4 ? Address.v4(word(0n)) : new Address(word(96n), word(64n), word(32n), word(0n))
}

export interface Block {
  readonly start: Address
  readonly lengthBits: number
}

/** The fewest blocks that cover exactly the addresses from `first` to `last`: at most 62 of IPv4, 254 of IPv6. */
export function blocksOfRange(first: Address, last: Address): Block[] {
  const bits = first.isV4 ? 32 : 128
  const end = numberOf(last)
  const blocks: Block[] = []
  for (let start = numberOf(first); start <= end;) {
    let hostBits = 0
    while (
      hostBits < bits &&
      (start >> BigInt(hostBits)) % 2n === 0n &&
      start + (1n << BigInt(hostBits + 1)) - 1n <= end
    )
      hostBits++
    blocks.push({ start: addressOf(start, first.isV4), lengthBits: bits - hostBits })
    start += 1n << BigInt(hostBits)
  }
  return blocks
}
