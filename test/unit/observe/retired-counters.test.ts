/** The sum over the workers of a node never falls, whichever of them dies. */
import { expect, test } from 'vitest'
import type { MetricReading } from '../../../src/observe/metrics.ts'
import { RetiredCounters } from '../../../src/observe/retired-counters.ts'

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

test('what dead workers counted is kept, all of it together', () => {
  const retired = new RetiredCounters()
  retired.retire([announces({ fra: 3, ams: 1 })])
  retired.retire([announces({ fra: 4, ams: 0 })])
  expect(retired.beside([[announces({ fra: 0, ams: 0 })]])).toEqual([announces({ fra: 7, ams: 1 })])
})

test('what dead workers knew is not', () => {
  const retired = new RetiredCounters()
  retired.retire([peers])
  expect(retired.beside([[peers]])).toEqual([])
})

test('a site that no living worker knows is forgotten', () => {
  const retired = new RetiredCounters()
  retired.retire([announces({ fra: 3, ams: 1 })])
  expect(retired.beside([[announces({ fra: 2 })]])).toEqual([announces({ fra: 3 })])
})
