/** Values of command-line options: each parser returns the value or throws an error that names the flag. */
import { InputError } from '../src/core/errors.ts'

export function count(value: string, flag: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InputError(`${flag} expects a whole number from 1, not "${value}"`)
  return number
}

export function bytes(value: string): number {
  const match = /^(\d+)(KiB|MiB|GiB)$/.exec(value)
  if (match === null) throw new InputError(`--size expects a size such as 192MiB, not "${value}"`)
  return Number(match[1]) * { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[match[2] as 'KiB' | 'MiB' | 'GiB']
}

export function rate(value: string, flag: string): number {
  const match = /^(\d+)(kbit|mbit|gbit)$/.exec(value)
  if (match === null) throw new InputError(`${flag} expects a rate such as 80mbit, not "${value}"`)
  return Number(match[1]) * { kbit: 1e3, mbit: 1e6, gbit: 1e9 }[match[2] as 'kbit' | 'mbit' | 'gbit']
}

/** A percentage as a share from 0 to 1. */
export function share(value: string, flag: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(value)?.[1] ?? NaN)
  if (!(percent <= 100)) throw new InputError(`${flag} expects a percentage such as 25%, not "${value}"`)
  return percent / 100
}

export function oneOf<Value extends string>(values: readonly Value[], value: string, flag: string): Value {
  const found = values.find((each) => each === value)
  if (found === undefined) throw new InputError(`${flag} expects ${values.join(' or ')}, not "${value}"`)
  return found
}
