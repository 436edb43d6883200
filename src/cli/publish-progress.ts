/**
 * Shows the progress of hashing: a line that is updated in place on a terminal, or a line every ten seconds in a log.
 *
 * The rate covers the last seconds only: an average over an hour would hide a network failure.
 */
import type { CommandContext } from './command.ts'
import { formatByteSize } from './byte-size.ts'
import { formatTime } from './format-time.ts'

export class PublishProgress {
  readonly #totalBytes: number
  readonly #nowMs: () => number
  readonly #output: Pick<CommandContext, 'err' | 'showStatus'>
  readonly #everyMs: number
  #lastShownMs: number
  /** Samples of the last `RATE_OVER_MS`, oldest first. */
  readonly #samples: { readonly atMs: number; readonly doneBytes: number }[] = []

  constructor(
    totalBytes: number,
    output: Pick<CommandContext, 'err' | 'showStatus'>,
    /** Monotonic milliseconds. */
    nowMs: () => number,
  ) {
    this.#totalBytes = totalBytes
    this.#output = output
    this.#nowMs = nowMs
    this.#everyMs = output.showStatus === undefined ? LINE_EVERY_MS : UPDATE_EVERY_MS
    this.#lastShownMs = nowMs()
    this.#samples.push({ atMs: this.#lastShownMs, doneBytes: 0 })
  }

  update(doneBytes: number): void {
    const atMs = this.#nowMs()
    if (atMs - this.#lastShownMs < this.#everyMs) return
    this.#lastShownMs = atMs
    this.#samples.push({ atMs, doneBytes })
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= RATE_OVER_MS)
      this.#samples.shift()
    const oldest = this.#samples[0] ?? { atMs, doneBytes }
    const rate = ((doneBytes - oldest.doneBytes) / (atMs - oldest.atMs)) * 1_000
    const parts = [
      `${Math.floor((doneBytes / this.#totalBytes) * 100)} %`.padStart(5),
      `${formatByteSize(doneBytes)} of ${formatByteSize(this.#totalBytes)}`,
      `${formatByteSize(rate)}/s`,
      rate > 0 ? `${formatTime((this.#totalBytes - doneBytes) / rate)} left` : 'stalled',
    ]
    const { showStatus, err } = this.#output
    if (showStatus === undefined) err(`hashing ${parts.join('  ')}`)
    else showStatus(`hashing ${bar(doneBytes / this.#totalBytes)} ${parts.join('  ')}`)
  }

  /** Removes the line that is updated in place. */
  end(): void {
    this.#output.showStatus?.('')
  }
}

function bar(share: number): string {
  const full = Math.round(share * BAR_WIDTH)
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}]`
}

/** Smooth for a reader, and cheap for the terminal. */
const UPDATE_EVERY_MS = 200
/** Six lines a minute in a CI log. */
const LINE_EVERY_MS = 10_000
const RATE_OVER_MS = 5_000
const BAR_WIDTH = 24
