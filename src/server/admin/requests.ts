/** Query parameters that several routes read, and the error of a rejected request. */
import { type Address, parseAddress } from '../../core/address.ts'
import { parseInfoHash } from '../../core/info-hash.ts'

/** HTTP status, code for programs, and message for people. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

export function readInfoHash(text: string | readonly string[] | undefined): Buffer {
  const infoHash = typeof text === 'string' ? parseInfoHash(text) : undefined
  if (infoHash === undefined)
    throw new ApiError(400, 'infohash-invalid', 'the infohash must be 40 hexadecimal digits (64 for v2)')
  return infoHash
}

export function readAddress(text: string | readonly string[] | undefined): Address {
  const address = typeof text === 'string' ? parseAddress(text) : undefined
  if (address === undefined)
    throw new ApiError(400, 'ip-invalid', `ip must be one IPv4 or IPv6 address, not ${JSON.stringify(text)}`)
  return address
}

/** A misspelt filter would otherwise return all peers. */
export function refuseUnknownParameters(query: Query, known: readonly string[]): void {
  const unknown = Object.keys(query).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new ApiError(
      400,
      'parameter-unknown',
      `there is no parameter ${JSON.stringify(unknown)}; the parameters are ${known.join(', ') || 'none'}`,
    )
}

/** undefined if the parameter is missing. */
export function readPort(text: string | readonly string[] | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = typeof text === 'string' && /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535)
    throw new ApiError(400, 'port-invalid', 'port must be a number from 1 to 65535')
  return port
}

/** undefined if the parameter is missing. */
export function readWhole(
  name: string,
  text: Query[string],
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined
  const value = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (value < min || value > max)
    throw new ApiError(400, `${name}-invalid`, `${name} must be a whole number from ${min} to ${max}`)
  return value
}
