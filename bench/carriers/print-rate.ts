/** One line of the comparison: throughput, and CPU time of the processes that forward. */

export interface Rate {
  readonly name: string
  readonly bitsPerSecond: number
  /** Undefined where nothing forwards. */
  readonly cpuSecondsPerGigabyte: number | undefined
}

export function printRate({ name, bitsPerSecond, cpuSecondsPerGigabyte }: Rate): void {
  const cpu =
    cpuSecondsPerGigabyte === undefined ? '' : `, ${cpuSecondsPerGigabyte.toFixed(2)} CPU seconds a gigabyte`
  console.log(`${name.padEnd(52)} ${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s${cpu}`)
}
