/**
 * Progress of each site since the page first showed a rollout. The API has the present state only; the samples are kept in
 * the session storage, so that a reload of the page does not lose them.
 */
import { useEffect, useState } from 'preact/hooks'
import { systemClock } from '../../core/clock.ts'
import type { RolloutDetail } from '../api/responses.ts'
import { NO_HISTORY, type ProgressHistory, addSample } from './progress-samples.ts'

export function useHistory(rollout: RolloutDetail | undefined): ProgressHistory {
  const [history, setHistory] = useState<ProgressHistory>(NO_HISTORY)
  useEffect(() => {
    if (rollout === undefined) return
    setHistory((before) => {
      const key = `siteswarm-progress-${rollout.infoHash}`
      const known = before === NO_HISTORY ? readStored(key) : before
      const next = addSample(known, rollout, systemClock.nowMs())
      try {
        sessionStorage.setItem(key, JSON.stringify(next))
      } catch {
        // Full: the curve of this page continues without a copy.
      }
      return next
    })
  }, [rollout])
  return history
}

function readStored(key: string): ProgressHistory {
  try {
    return (JSON.parse(sessionStorage.getItem(key) ?? 'null') as ProgressHistory | null) ?? NO_HISTORY
  } catch {
    return NO_HISTORY
  }
}
