/**
 * How far hashing is: one line on a terminal that moves, and a line every ten seconds in a log.
 *
 * The rate is that of the last seconds, because an average over an hour does not notice that the network is gone.
 */
import type { CommandContext } from './command.ts'
import { formatByteSize } from './printable.ts'

export class PublishProgress {
  readonly #totalBytes: number
  readonly #nowMs: () => number
  readonly #output: Pick<CommandContext, 'err' | 'showStatus'>
  readonly #everyMs: number
  #shownAtMs: number
  /** Where it was at some moments of the last `RATE_OVER_MS`, oldest first. */
  readonly #marks: { readonly atMs: number; readonly doneBytes: number }[] = []

  constructor(
    totalBytes: number,
    output: Pick<CommandContext, 'err' | 'showStatus'>,
    /** Milliseconds since any moment. */
    nowMs: () => number,
  ) {
    this.#totalBytes = totalBytes
    this.#output = output
    this.#nowMs = nowMs
    this.#everyMs = output.showStatus === undefined ? LINE_EVERY_MS : MOVE_EVERY_MS
    this.#shownAtMs = nowMs()
    this.#marks.push({ atMs: this.#shownAtMs, doneBytes: 0 })
  }

  update(doneBytes: number): void {
    const atMs = this.#nowMs()
    if (atMs - this.#shownAtMs < this.#everyMs) return
    this.#shownAtMs = atMs
    this.#marks.push({ atMs, doneBytes })
    while (this.#marks.length > 2 && atMs - (this.#marks[1]?.atMs ?? atMs) >= RATE_OVER_MS)
      this.#marks.shift()
    const oldest = this.#marks[0] ?? { atMs, doneBytes }
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

  /** Takes the moving line away, so that what follows stands alone. */
  end(): void {
    this.#output.showStatus?.('')
  }
}

function bar(share: number): string {
  const full = Math.round(share * BAR_WIDTH)
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}]`
}

/** `0:07`, `12:34`, `1:02:03`. */
function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds)
  const two = (count: number) => String(count).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`
}

/** As often as an eye sees movement without the terminal being the work. */
const MOVE_EVERY_MS = 200
/** Six lines a minute in a CI log. */
const LINE_EVERY_MS = 10_000
const RATE_OVER_MS = 5_000
const BAR_WIDTH = 24
