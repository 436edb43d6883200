/** A TrackerService that records requests and returns a given reply. */
import type { Address } from '../src/core/address.ts'
import type { AnnounceReply, AnnounceRequest, ScrapeCounts, TrackerService } from '../src/core/announce.ts'

export interface RecordedAnnounce {
  readonly request: AnnounceRequest
  readonly from: string
  readonly protocol: 'http' | 'udp'
}

const NOTHING_SCRAPED: ScrapeCounts = { complete: 0, downloaded: 0, downloaders: 0, incomplete: 0 }

export class RecordingTracker implements TrackerService {
  readonly announces: RecordedAnnounce[] = []
  readonly scrapes: { readonly infoHashes: readonly string[]; readonly from: string }[] = []
  /** The reply to the next announces. A function may throw, and may return a promise. */
  reply: AnnounceReply | (() => AnnounceReply | Promise<AnnounceReply>) = anAnnounceReply()
  /** By info hash in hexadecimal. */
  readonly counts = new Map<string, ScrapeCounts>()

  announce(
    request: AnnounceRequest,
    from: Address,
    protocol: 'http' | 'udp',
  ): AnnounceReply | Promise<AnnounceReply> {
    this.announces.push({ request, from: from.toString(), protocol })
    return typeof this.reply === 'function' ? this.reply() : this.reply
  }

  scrape(infoHashes: readonly Buffer[], from: Address): ScrapeCounts[] {
    const hashes = infoHashes.map((infoHash) => infoHash.toString('hex'))
    this.scrapes.push({ infoHashes: hashes, from: from.toString() })
    return hashes.map((infoHash) => this.counts.get(infoHash) ?? NOTHING_SCRAPED)
  }
}

/** A reply without peers. */
export function anAnnounceReply(changes: Partial<AnnounceReply> = {}): AnnounceReply {
  return {
    complete: 0,
    downloaded: 0,
    incomplete: 1,
    intervalSeconds: 1800,
    intervalSecondsMin: 900,
    peers4: Buffer.alloc(0),
    peers6: Buffer.alloc(0),
    ...changes,
  }
}
