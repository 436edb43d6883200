/** Rate of each site's uplink: one for all sites in most runs, another for single sites in some. */

interface WanRates {
  readonly wanBitsPerSecond: number
  readonly wanBitsPerSecondOfSite?: Readonly<Record<number, number>>
}

export function wanRate(rates: WanRates, site: number): number {
  return rates.wanBitsPerSecondOfSite?.[site] ?? rates.wanBitsPerSecond
}

/** Rates as `--wan` lists them, one for each site; the last one applies to all further sites. */
export function wanRates(bitsPerSecond: readonly number[]): WanRates {
  const wanBitsPerSecond = bitsPerSecond.at(-1) ?? 0
  const others = bitsPerSecond.map((rate, index) => [index + 1, rate] as const)
  return {
    wanBitsPerSecond,
    wanBitsPerSecondOfSite: Object.fromEntries(others.filter(([, rate]) => rate !== wanBitsPerSecond)),
  }
}

export function slowestWan(rates: WanRates, sites: readonly number[]): number {
  return Math.min(...sites.map((site) => wanRate(rates, site)))
}
