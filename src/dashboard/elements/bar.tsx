/** A bar of progress with its percentage as text. */
import { formatPercent } from './quantities.ts'

export interface BarProps {
  readonly percent: number | null
  /** The subject, for screen readers. */
  readonly label: string
  readonly tone?: 'normal' | 'good' | 'bad' | 'held'
}

export function Bar({ percent, label, tone = 'normal' }: BarProps) {
  const known = Math.min(100, Math.max(0, percent ?? 0))
  return (
    <span class="bar" data-tone={percent !== null && percent >= 100 ? 'good' : tone}>
      <span
        class="track"
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(percent === null ? {} : { 'aria-valuenow': Math.floor(known) })}
        aria-valuetext={percent === null ? 'unknown' : formatPercent(percent)}
      >
        <span class="filled" style={{ width: `${known}%` }} />
      </span>
      <span class="value" aria-hidden="true">
        {formatPercent(percent)}
      </span>
    </span>
  )
}
