/**
 * Events of rollouts: started, complete at a site, complete at all sites, stranded, held. Each is reported once; the
 * rollout remembers it, over restarts and on all nodes of the site.
 *
 * Without a number of expected hosts, a rollout that is complete may have hosts that have not started yet, such as when a
 * single fast host is the first one. Completion is therefore reported after it has lasted for a while.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { describeRollout } from './describe-rollout.ts'
import { type Rollout, stateOf } from './rollout.ts'
import type { RolloutAnswer } from './rollout-answer.ts'
import type { Rollouts } from './rollouts.ts'
import { startOf } from './rollout-view.ts'
import type { SiteReport } from './site-report.ts'

/** Public values. */
export const rolloutEvents = ['started', 'site-complete', 'complete', 'stranded', 'held'] as const

export type RolloutEventType = (typeof rolloutEvents)[number]

export interface RolloutEvent {
  /** The same on every node, so that a receiver detects a repetition. */
  readonly id: string
  readonly type: RolloutEventType
  readonly at: string
  /** null for an event of the whole rollout. */
  readonly site: string | null
  readonly sentence: string
  readonly rollout: RolloutAnswer
}

/** Hosts of one rollout start within this time of each other, or announce a number of expected hosts. */
const SETTLED_MS = 30_000
/** A site is stranded for a moment while its gateway or its source changes. */
const STRANDED_MS = 15_000

/** A condition that an event reports. */
interface Condition {
  readonly type: RolloutEventType
  readonly site: string | null
  readonly afterMs: number
  readonly sentence: string
}

export class RolloutEvents {
  readonly #rollouts: Rollouts
  readonly #clock: Clock
  readonly #changed = new Set<Rollout>()
  /** Conditions that hold and are not reported yet, with the time since when. */
  readonly #since = new Map<Rollout, Map<string, number>>()
  readonly #listeners: ((event: RolloutEvent, rollout: Rollout) => void)[] = []

  constructor({ rollouts, clock }: { readonly rollouts: Rollouts; readonly clock: Clock }) {
    this.#rollouts = rollouts
    this.#clock = clock
    rollouts.onChange((rollout) => this.#changed.add(rollout))
    rollouts.onDrop((rollout) => {
      this.#changed.delete(rollout)
      this.#since.delete(rollout)
    })
  }

  onEvent(listener: (event: RolloutEvent, rollout: Rollout) => void): void {
    this.#listeners.push(listener)
  }

  /** Reports what is due. Called at least once a second. */
  tick(): void {
    for (const rollout of new Set([...this.#changed, ...this.#since.keys()])) this.#examine(rollout)
    this.#changed.clear()
  }

  #examine(rollout: Rollout): void {
    const nowMs = this.#clock.nowMs()
    const view = this.#rollouts.view(rollout)
    const conditions = new Map(conditionsOf(view).map((each) => [keyOf(each), each]))
    // What can happen again is reported again.
    for (const key of rollout.reported)
      if (isRepeatable(key) && !conditions.has(key)) rollout.reported.delete(key)
    const since = new Map<string, number>()
    for (const [key, condition] of conditions) {
      if (rollout.reported.has(key)) continue
      const sinceMs = this.#since.get(rollout)?.get(key) ?? nowMs
      if (nowMs - sinceMs < condition.afterMs) since.set(key, sinceMs)
      else {
        rollout.reported.add(key)
        this.#report(rollout, view, condition, sinceMs)
      }
    }
    if (since.size > 0) this.#since.set(rollout, since)
    else this.#since.delete(rollout)
  }

  #report(
    rollout: Rollout,
    view: readonly SiteReport[],
    { type, site, sentence }: Condition,
    sinceMs: number,
  ): void {
    const nowMs = this.#clock.nowMs()
    const event: RolloutEvent = {
      id: idOf(rollout, type, site, sinceMs),
      type,
      at: new Date(nowMs).toISOString(),
      site,
      sentence,
      rollout: describeRollout(rollout, view, nowMs),
    }
    for (const listener of this.#listeners) listener(event, rollout)
  }
}

function conditionsOf(view: readonly SiteReport[]): Condition[] {
  const conditions: Condition[] = []
  const state = stateOf(view)
  if (startOf(view) !== undefined)
    conditions.push({
      type: 'started',
      site: null,
      afterMs: 0,
      sentence: 'the first host has announced the torrent',
    })
  for (const { site, isComplete, isHeld, hosts, state: siteState, sentence } of view) {
    const settledMs = hosts.expected === null ? SETTLED_MS : 0
    if (isComplete) conditions.push({ type: 'site-complete', site, afterMs: settledMs, sentence })
    else if (isHeld) conditions.push({ type: 'held', site, afterMs: 0, sentence })
    else if (siteState === 'stranded')
      conditions.push({ type: 'stranded', site, afterMs: STRANDED_MS, sentence })
  }
  if (state === 'complete') {
    const isExpected = view.every(({ hosts }) => hosts.expected !== null || hosts.seen === 0)
    const afterMs = isExpected ? 0 : SETTLED_MS
    conditions.push({ type: 'complete', site: null, afterMs, sentence: 'all hosts are complete' })
  }
  return conditions
}

function keyOf({ type, site }: Pick<Condition, 'type' | 'site'>): string {
  return site === null ? type : `${type} ${site}`
}

function isRepeatable(key: string): boolean {
  return key.startsWith('stranded') || key.startsWith('held')
}

/** 20 bytes, as an infohash. */
const ID_DIGITS = 40

/** An event that can happen again has its minute in its id. */
function idOf(
  { infoHash, torrent }: Rollout,
  type: RolloutEventType,
  site: string | null,
  sinceMs: number,
): string {
  const which = isRepeatable(type) ? Math.floor(sinceMs / 60_000) : torrent.registeredAtMs
  return createHash('sha256')
    .update(`${infoHash} ${type} ${site ?? ''} ${which}`)
    .digest('hex')
    .slice(0, ID_DIGITS)
}
