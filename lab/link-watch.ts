/** Measures the link into site 2 during a run whose links have a rate or hours. */
import { join } from 'node:path'
import { type LinkPeriod, interfaceSeries, relayedSeries, reportLink } from './link-report.ts'
import { siteName } from './plan.ts'
import type { ScenarioResult } from './result.ts'
import { ADMIN_TOKEN, type TrackerNode } from './trackers/tracker.ts'
import { Watcher } from './watcher.ts'

const SITE = 2
/** The last blocks are late for other reasons than the rate. */
const COMPLETE_SHARE = 0.98

export class LinkWatch {
  readonly #watcher: Watcher
  readonly #periods: { label: string; fromSeconds: number }[]

  constructor(nodes: readonly TrackerNode[], directory: string, first: string) {
    const targets = nodes
      .filter(({ site }) => site === SITE || site === 0)
      .map(({ namespace }) => ({
        name: `metrics ${siteName(SITE)}`,
        namespace,
        kind: 'node',
        path: '/metrics',
        token: ADMIN_TOKEN,
      }))
    this.#watcher = new Watcher(targets, join(directory, 'watcher.log'))
    this.#periods = [{ label: first, fromSeconds: 0 }]
  }

  /** Another rate applies from now on, or the link opens. */
  change(label: string, fromSeconds: number): void {
    this.#periods.push({ label, fromSeconds })
  }

  /** The last period ends when the site has the content, of `sizeBytes`. */
  end(startMs: number, sizeBytes: number, samples: ScenarioResult['samples']): string[] {
    this.#watcher.stop()
    const received = interfaceSeries(samples, siteName(SITE))
    const complete = received.find(({ bytes }) => bytes >= COMPLETE_SHARE * sizeBytes) ?? received.at(-1)
    const endSeconds = complete?.seconds ?? 0
    const periods: LinkPeriod[] = this.#periods.map((period, index) => ({
      ...period,
      untilSeconds: this.#periods[index + 1]?.fromSeconds ?? endSeconds,
    }))
    const series = new Map([
      ['interface', received],
      ['relayed', relayedSeries(this.#watcher.readings, siteName(SITE), startMs / 1000)],
    ])
    return reportLink(periods, series)
  }
}
