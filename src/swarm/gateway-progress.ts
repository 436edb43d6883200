/**
 * The step by which a gateway has to advance to count as progressing.
 *
 * Threat: a gateway that announces one KiB less each time would keep its role without supplying its site.
 */

/** 23 KiB/s over the three minutes after which a gateway without progress is replaced. */
const STEP_KIB_MAX = 4_096
const STEP_KIB_MIN = 16
/** A small torrent is complete after this many steps. */
const STEPS_MAX = 64

/** `sizeKib`: of the torrent. */
export function progressStepKib(sizeKib: number): number {
  return Math.max(STEP_KIB_MIN, Math.min(STEP_KIB_MAX, Math.floor(sizeKib / STEPS_MAX)))
}
