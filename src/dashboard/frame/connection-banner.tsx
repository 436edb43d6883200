/** A banner while the node does not answer: since when, and the age of the figures below. */
import { answeredAtMs, lostAtMs, reconnections } from '../api/connection.ts'
import { formatClock, formatDuration } from '../elements/quantities.ts'
import { nowMs } from './now.ts'

/** A single lost request does not make a node lost. */
const PATIENCE_MS = 1_500

export function ConnectionBanner() {
  const sinceMs = lostAtMs.value
  const isLost = sinceMs !== undefined && nowMs.value - sinceMs >= PATIENCE_MS
  return (
    <div role="status" class={isLost ? 'banner lost' : 'banner'} data-lost={isLost}>
      {isLost ? (
        <>
          <p>
            <strong>The node does not answer</strong> since {formatClock(sinceMs)} (
            {formatDuration((nowMs.value - sinceMs) / 1000)}).{' '}
            {answeredAtMs.value === undefined
              ? 'It has not answered this page yet.'
              : `All figures below are from ${formatClock(answeredAtMs.value)}.`}{' '}
            The page reconnects by itself.
          </p>
          <button type="button" onClick={() => reconnections.value++}>
            Retry now
          </button>
        </>
      ) : null}
    </div>
  )
}
