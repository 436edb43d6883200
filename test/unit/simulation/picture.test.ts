import { expect, it } from 'vitest'
import { drawOutcomes } from '../../../src/simulation/picture.ts'
import { simulated } from '../../a-scenario.ts'

it('draws a panel for each policy and a line for each site', () => {
  const outcomes = [simulated({ hosts: [3, 3] }), simulated({ hosts: [3, 3] }, 'blind')]
  const svg = drawOutcomes(outcomes, 'a <title> & more')
  expect(svg.match(/<polyline/g)).toHaveLength(4)
  expect(svg).toContain('siteswarm: 1.00 copies into a site')
  expect(svg).toContain('site-2: 1.00 in')
  expect(svg).toContain('a &lt;title> &amp; more')
})

it('draws only as many points as are distinguishable', () => {
  const svg = drawOutcomes([simulated({ hosts: [900], sizeBytes: 16_384 * 4, pieces: 4 })], '')
  const points = /points="([^"]+)"/.exec(svg)?.[1]?.split(' ') ?? []
  expect(points.length).toBeGreaterThan(100)
  expect(points.length).toBeLessThan(900)
})
