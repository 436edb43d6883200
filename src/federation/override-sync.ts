/**
 * Synchronization of overrides between all sites: a torrent that is held at one node is held by the nodes of all sites, and
 * both ends of a link have the same rate. The later one of two overrides of one subject wins.
 *
 * Threat: a badly run site, or one with a wrong clock. An override that is dated in the future would win over every later
 * one, so it is rejected; an override of an unknown kind is skipped; their number is bounded by `Overrides`.
 */
import { FUTURE_MS_MAX } from '../core/limits.ts'
import type { Log } from '../core/log.ts'
import { type Override, readOverride, writeOverride } from '../replication/overrides.ts'
import type { OverrideStore } from '../replication/site-store.ts'
import type { FederationCounters } from './counters.ts'
import { type Message, writeOverrideMessage } from './messages.ts'

export interface OverrideSyncComponents {
  readonly store: OverrideStore
  readonly nowMs: () => number
  readonly counters: FederationCounters
  readonly log: Log
  readonly send: (message: Buffer) => void
}

export class OverrideSync {
  readonly #components: OverrideSyncComponents

  constructor(components: OverrideSyncComponents) {
    this.#components = components
    components.store.onChange((changed) => {
      for (const override of changed) components.send(messageOf(override))
    })
  }

  /** Messages for all overrides. */
  all(): Buffer[] {
    return this.#components.store.current.all.map(messageOf)
  }

  apply({ key, value, atMs }: Extract<Message, { readonly type: 'override' }>): void {
    const { store, nowMs, counters, log } = this.#components
    const override = readOverride({ key, value }, atMs)
    // Of a later version.
    if (override === undefined) return
    const aheadMs = atMs - nowMs()
    if (aheadMs > FUTURE_MS_MAX) {
      counters.refuse('override')
      log.warn(
        { event: 'override-not-taken', override: key, aheadSeconds: Math.round(aheadMs / 1000) },
        'hold or rate of a remote site is dated in the future; set the clock of that site, or of this one',
      )
      return
    }
    void store.put(override)
  }
}

function messageOf(override: Override): Buffer {
  return writeOverrideMessage({ ...writeOverride(override), atMs: override.atMs })
}
