/**
 * Overrides: decisions of operators that all nodes of all sites follow until another one replaces them. A torrent is held
 * in a site or in all of them; a link has another rate than in the topology.
 *
 * Of two overrides of one subject the later wins, and each node applies that rule by itself: overrides arrive in any order,
 * more than once, and from any site.
 */
import { formatInfoHash, parseInfoHash } from '../core/info-hash.ts'
import { NAME } from '../topology/name.ts'

export type Override = HoldOverride | RateOverride

export interface HoldOverride {
  readonly kind: 'hold'
  /** 20 bytes, the first infohash of a registered torrent. */
  readonly infoHash: Buffer
  /** undefined: all sites. */
  readonly site: string | undefined
  /** False: released. */
  readonly isHeld: boolean
  readonly atMs: number
}

export interface RateOverride {
  readonly kind: 'rate'
  /** Two sites, in alphabetical order. */
  readonly between: readonly [string, string]
  /** In each direction; undefined: as in the topology. */
  readonly bytesPerSecond: number | undefined
  readonly atMs: number
}

/** Overrides as text, in files, in Redis and between sites. */
export interface OverrideText {
  /** The subject: `hold INFOHASH SITE`, with `*` for all sites, or `rate SITE SITE`. */
  readonly key: string
  /** `1` or `0` of a hold; bytes per second of a rate, or `-`. */
  readonly value: string
}

const ALL_SITES = '*'
const AS_IN_TOPOLOGY = '-'
/** Some hundred bytes each. Operators make some a day; a remote site cannot make more. */
const OVERRIDES_MAX = 10_000
/** 2^53 of JavaScript; a rate is far below. */
const RATE = /^(?:0|[1-9]\d{0,14})$/

export function writeOverride(override: Override): OverrideText {
  if (override.kind === 'hold')
    return {
      key: `hold ${formatInfoHash(override.infoHash)} ${override.site ?? ALL_SITES}`,
      value: override.isHeld ? '1' : '0',
    }
  return {
    key: `rate ${override.between.join(' ')}`,
    value: override.bytesPerSecond === undefined ? AS_IN_TOPOLOGY : String(override.bytesPerSecond),
  }
}

/** undefined for a text that is not an override of this version. */
export function readOverride({ key, value }: OverrideText, atMs: number): Override | undefined {
  const [kind, first = '', second = '', rest] = key.split(' ')
  if (rest !== undefined || !Number.isSafeInteger(atMs) || atMs < 0) return undefined
  if (kind === 'hold') {
    const infoHash = first.length === 40 ? parseInfoHash(first) : undefined
    const isSite = second === ALL_SITES || NAME.test(second)
    if (infoHash === undefined || !isSite || (value !== '0' && value !== '1')) return undefined
    return {
      kind,
      infoHash,
      site: second === ALL_SITES ? undefined : second,
      isHeld: value === '1',
      atMs,
    }
  }
  if (kind !== 'rate' || !NAME.test(first) || !NAME.test(second) || first >= second) return undefined
  if (value !== AS_IN_TOPOLOGY && !RATE.test(value)) return undefined
  const bytesPerSecond = value === AS_IN_TOPOLOGY ? undefined : Number(value)
  return { kind, between: [first, second], bytesPerSecond, atMs }
}

/** What an override changes back to: it can be forgotten when there is no room. */
function isNeutral(override: Override): boolean {
  return override.kind === 'hold' ? !override.isHeld : override.bytesPerSecond === undefined
}

function isLater(a: Override, b: Override): boolean {
  return a.atMs > b.atMs || (a.atMs === b.atMs && writeOverride(a).value > writeOverride(b).value)
}

export class Overrides {
  /** By key. */
  readonly #current = new Map<string, Override>()

  get all(): readonly Override[] {
    return [...this.#current.values()]
  }

  /** The current override of the same subject. */
  like(override: Override): Override | undefined {
    return this.#current.get(writeOverride(override).key)
  }

  /** Returns false where a later one applies, or where there is no room. */
  apply(override: Override): boolean {
    const { key } = writeOverride(override)
    const known = this.#current.get(key)
    if (known !== undefined && !isLater(override, known)) return false
    if (override.kind === 'hold' && !this.#applyHold(override)) return false
    if (known === undefined && this.#current.size >= OVERRIDES_MAX && !this.#forgetOldest()) return false
    this.#current.set(key, override)
    return true
  }

  isHeld(infoHash: Buffer, site: string): boolean {
    return this.holdOf(infoHash, site)?.isHeld === true
  }

  /** The later one of the hold or release of the torrent in the site, and that of all sites. */
  holdOf(infoHash: Buffer, site: string): HoldOverride | undefined {
    const hex = formatInfoHash(infoHash)
    const ofSite = this.#holdAt(`hold ${hex} ${site}`)
    return ofSite ?? this.#holdAt(`hold ${hex} ${ALL_SITES}`)
  }

  rateOf(a: string, b: string): RateOverride | undefined {
    const found = this.#current.get(`rate ${[a, b].toSorted().join(' ')}`)
    return found?.kind === 'rate' ? found : undefined
  }

  #holdAt(key: string): HoldOverride | undefined {
    const found = this.#current.get(key)
    return found?.kind === 'hold' ? found : undefined
  }

  /** An override of all sites replaces the earlier ones of single sites. Returns false for an earlier one of a single site. */
  #applyHold({ infoHash, site, atMs }: HoldOverride): boolean {
    const hex = formatInfoHash(infoHash)
    if (site !== undefined) return (this.#holdAt(`hold ${hex} ${ALL_SITES}`)?.atMs ?? -1) < atMs
    for (const [key, each] of this.#current)
      if (key.startsWith(`hold ${hex} `) && each.atMs <= atMs) this.#current.delete(key)
    return true
  }

  /** Returns false where each override has an effect. */
  #forgetOldest(): boolean {
    let oldest: Override | undefined
    for (const each of this.#current.values())
      if (isNeutral(each) && (oldest === undefined || each.atMs < oldest.atMs)) oldest = each
    return oldest !== undefined && this.#current.delete(writeOverride(oldest).key)
  }
}
