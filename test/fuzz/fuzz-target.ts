/** A parser under test: the input it reads, and what must be true for every input. */

export interface FuzzTarget {
  /** Also the folder of its seeds. */
  readonly name: string
  /** Longer inputs are cut. */
  readonly bytesMax: number
  /**
   * Inputs for one reading of the coverage, at most. To find the input of a batch that reaches new code, the batch is read twice
   * more: where an input takes as long as a tenth of a reading, a short batch takes less time altogether.
   */
  readonly batchMax?: number
  /** Tokens of the format: a mutation with one of these fails late in the parser. */
  readonly tokens: readonly string[]
  /** Well-formed inputs. */
  readonly examples: readonly (Buffer | string)[]
  /** Reads the input. Throws, or rejects, for an undocumented error, or where a property does not hold. */
  read(input: Buffer): void | Promise<void>
  /** Closes what the target has opened. */
  close?(): Promise<void>
}

type ErrorClass = abstract new (...args: never[]) => unknown

/** The result; undefined where the parser rejects the input with the documented error. */
export function unlessRejected<T>(documented: ErrorClass, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof documented) return undefined
    throw error
  }
}

/** The input in two or more chunks, at positions that follow from the input itself: a failing input fails again. */
export function divisions(input: Buffer): Buffer[][] {
  const bytes = Array.from(input, (_, index) => input.subarray(index, index + 1))
  const middle = input.length === 0 ? 0 : ((input[0] ?? 0) * 256 + (input.at(-1) ?? 0)) % input.length
  return [bytes, [input.subarray(0, middle), input.subarray(middle)]]
}
