/**
 * Entries of the rollouts of the torrents that were registered last. A rollout is described again only if it changed, or
 * while it has a rate, which ends with time: most rollouts are complete.
 */
import { formatInfoHash } from '../../../core/info-hash.ts'
import { describeRollout } from '../../../rollouts/describe-rollout.ts'
import type { RolloutTorrent } from '../../../rollouts/rollout.ts'
import type { RolloutAnswer } from '../../../rollouts/rollout-answer.ts'
import type { AdminContext } from '../admin-context.ts'
import type { Entry } from './event-feed.ts'

interface Described {
  readonly torrent: RolloutTorrent
  readonly removedAtMs: number | undefined
  readonly answer: RolloutAnswer
}

type Context = Pick<AdminContext, 'rollouts' | 'topology' | 'clock'>

export class RolloutEntries {
  readonly #context: Context
  /** By infohash. */
  #described = new Map<string, Described>()

  constructor(context: Context) {
    this.#context = context
    context.rollouts.onChange(({ infoHash }) => this.#described.delete(infoHash))
    context.topology.onReplace(() => this.#described.clear())
  }

  read(entriesMax: number): Entry[] {
    const { rollouts, clock } = this.#context
    const described = new Map<string, Described>()
    const entries: Entry[] = []
    for (const torrent of rollouts.torrents().slice(0, entriesMax)) {
      const infoHash = formatInfoHash(torrent.infoHashes[0] as Buffer)
      const rollout = rollouts.of(torrent)
      const known = this.#described.get(infoHash)
      const isCurrent = known?.torrent === torrent && known.removedAtMs === rollout.removedAtMs
      const answer =
        known !== undefined && isCurrent
          ? known.answer
          : describeRollout(rollout, rollouts.view(rollout), clock.nowMs())
      entries.push([infoHash, answer])
      if (answer.rateBytesPerSecond === 0 && (answer.etaSeconds ?? 0) === 0)
        described.set(infoHash, { torrent, removedAtMs: rollout.removedAtMs, answer })
    }
    this.#described = described
    return entries
  }
}
