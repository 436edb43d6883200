/** The sum over the workers of a node never falls when a worker exits. */
import { expect, test } from 'vitest'
import type { MetricReading } from '../../../src/observe/metrics.ts'
import { ExitedWorkerCounters } from '../../../src/observe/exited-worker-counters.ts'

const announces = (bySite: Readonly<Record<string, number>>): MetricReading => ({
  name: 'announces_total',
  help: 'Announces.',
  type: 'counter',
  aggregator: 'sum',
  values: Object.entries(bySite).map(([site, value]) => ({
    labels: { site },
    value,
    metricName: 'announces_total',
  })),
})

const peers: MetricReading = {
  name: 'peers',
  help: 'Peers.',
  type: 'gauge',
  aggregator: 'max',
  values: [{ labels: {}, value: 9, metricName: 'peers' }],
}

test('counters of exited workers are summed and kept', () => {
  const exited = new ExitedWorkerCounters()
  exited.absorb([announces({ fra: 3, ams: 1 })])
  exited.absorb([announces({ fra: 4, ams: 0 })])
  expect(exited.toReading([[announces({ fra: 0, ams: 0 })]])).toEqual([announces({ fra: 7, ams: 1 })])
})

test('gauges of exited workers are discarded', () => {
  const exited = new ExitedWorkerCounters()
  exited.absorb([peers])
  expect(exited.toReading([[peers]])).toEqual([])
})

test('a site that no running worker has is left out', () => {
  const exited = new ExitedWorkerCounters()
  exited.absorb([announces({ fra: 3, ams: 1 })])
  expect(exited.toReading([[announces({ fra: 2 })]])).toEqual([announces({ fra: 3 })])
})
