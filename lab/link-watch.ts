/** Measures the link into site 2 during a run whose links have a rate or hours. */
import { join } from 'node:path'
import { type LinkPeriod, interfaceSeries, relayedSeries, reportLink } from './link-report.ts'
import { siteName } from './plan.ts'
import type { ScenarioResult } from './result.ts'
import { ADMIN_TOKEN, type TrackerNode } from './trackers/tracker.ts'
import { Watcher } from './watcher.ts'

const SITE = 2

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

  end(startMs: number, endSeconds: number, samples: ScenarioResult['samples']): string[] {
    this.#watcher.stop()
    const periods: LinkPeriod[] = this.#periods.map((period, index) => ({
      ...period,
      untilSeconds: this.#periods[index + 1]?.fromSeconds ?? endSeconds,
    }))
    const series = new Map([
      ['interface', interfaceSeries(samples, siteName(SITE))],
      ['relayed', relayedSeries(this.#watcher.readings, siteName(SITE), startMs / 1000)],
    ])
    return reportLink(periods, series)
  }
}
