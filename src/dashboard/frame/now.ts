/** The time, once a second, for ages and remaining times. */
import { signal } from '@preact/signals'
import { systemClock } from '../../core/clock.ts'

export const nowMs = signal(systemClock.nowMs())

export function followTime(): () => void {
  const timer = window.setInterval(() => {
    if (!document.hidden) nowMs.value = systemClock.nowMs()
  }, 1_000)
  return () => window.clearInterval(timer)
}
