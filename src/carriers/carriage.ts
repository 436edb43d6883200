/**
 * The state of one torrent at one site that this process carries it for, as the node reads it: it decides from it whether
 * the site needs gateways.
 */

export interface Carriage {
  readonly site: string
  readonly infoHash: Buffer
  /** A client of the site has all pieces. */
  readonly hasSource: boolean
  /** The site that the torrent is fetched from. */
  readonly upstream: string | undefined
  /** Hosts of the site lack pieces. */
  readonly needsPieces: boolean
  /** Hosts with a connection to this process. */
  readonly hosts: number
  /** Bytes of blocks that came from sources of the site and from other sites. */
  readonly bytesPerSecond: number
  /** Bytes of blocks since the carrier began, by the site that sent them. */
  readonly received: readonly (readonly [string, number])[]
}

/** One site of a torrent, without the torrent. */
export type SiteCarriage = Omit<Carriage, 'infoHash'>

export type CarriageKey = Pick<Carriage, 'site' | 'infoHash'>

/** A rate alone is reported this often. */
const RATE_MS = 1_000

interface Reported {
  readonly carriage: Carriage
  readonly state: string
  readonly atMs: number
}

/** Finds what changed since the last look. */
export class CarriageReport {
  readonly #reported = new Map<string, Reported>()

  /** `torrents`: all that are carried. */
  take(
    torrents: Iterable<{ readonly infoHash: Buffer; readonly torrent: { sites(): Iterable<SiteCarriage> } }>,
    nowMs: number,
  ): { readonly changed: readonly Carriage[]; readonly ended: readonly CarriageKey[] } {
    const changed: Carriage[] = []
    const present = new Set<string>()
    for (const { infoHash, torrent } of torrents)
      for (const site of torrent.sites()) {
        const key = `${infoHash.toString('latin1')}${site.site}`
        present.add(key)
        const state = `${site.hasSource} ${site.needsPieces} ${site.hosts} ${site.upstream ?? ''}`
        const before = this.#reported.get(key)
        const hasRate = before?.carriage.bytesPerSecond !== site.bytesPerSecond
        if (before?.state === state && !(hasRate && nowMs - before.atMs >= RATE_MS)) continue
        const carriage = { infoHash, ...site }
        this.#reported.set(key, { carriage, state, atMs: nowMs })
        changed.push(carriage)
      }
    const ended: CarriageKey[] = []
    for (const [key, { carriage }] of this.#reported) {
      if (present.has(key)) continue
      this.#reported.delete(key)
      ended.push({ site: carriage.site, infoHash: carriage.infoHash })
    }
    return { changed, ended }
  }
}
