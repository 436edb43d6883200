/**
 * The sites that decide for their own peers, one bit a site. Federation writes it; the announce path, replication and
 * the gauges read it. While a site is remote here, its nodes elect its gateways and count its clients; while it is not,
 * this node does so on its behalf.
 */
export class SiteAuthority {
  #isRemote: readonly boolean[] = []

  /** Whether the nodes of this site decide for its peers at present. False for an index that no site has. */
  isRemote(siteIndex: number): boolean {
    return this.#isRemote[siteIndex] === true
  }

  get isAnyRemote(): boolean {
    return this.#isRemote.includes(true)
  }

  /** Replaces the set: these sites are remote, and no others. */
  replace(siteIndexes: Iterable<number>): void {
    const isRemote: boolean[] = []
    for (const index of siteIndexes) if (index >= 0) isRemote[index] = true
    this.#isRemote = isRemote
  }
}
