/**
 * Numbers, addresses and times in batches, big-endian. Faster than the methods of Buffer, because it does not check
 * bounds: callers compare lengths first.
 */
import { Address } from '../core/address.ts'

export function writeAddress(bytes: Buffer, address: Address, at: number): number {
  if (!address.isV4)
    for (const word of [address.word0, address.word1, address.word2]) at = write32(bytes, word, at)
  return write32(bytes, address.word3, at)
}

export function readAddress(bytes: Buffer, at: number, isV6: boolean): Address {
  if (!isV6) return Address.v4(read32(bytes, at))
  return new Address(read32(bytes, at), read32(bytes, at + 4), read32(bytes, at + 8), read32(bytes, at + 12))
}

/** The time with these 32 bits that is nearest to now. */
export function near(nowMs: number, bits: number): number {
  return nowMs - ((nowMs - bits) | 0)
}

export function byte(bytes: Buffer, at: number): number {
  return bytes[at] as number
}

export function read16(bytes: Buffer, at: number): number {
  return (byte(bytes, at) << 8) | byte(bytes, at + 1)
}

export function read32(bytes: Buffer, at: number): number {
  return ((read16(bytes, at) << 16) | read16(bytes, at + 2)) >>> 0
}

export function write16(bytes: Buffer, value: number, at: number): number {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
  return at + 2
}

export function write32(bytes: Buffer, value: number, at: number): number {
  return write16(bytes, value, write16(bytes, value >>> 16, at))
}
