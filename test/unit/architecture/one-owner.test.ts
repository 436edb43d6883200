import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkLeaseOwner } from '../../architecture/one-owner.ts'

const declaration = readFileSync('src/swarm/gateway.ts', 'utf8')

test.each([
  ['readonly version: number', 'version: number'],
  ['readonly failedUpstreamRows: readonly number[]', 'readonly failedUpstreamRows: number[]'],
])('a field of Gateway that can be written to is found: %s as %s', (before, after) => {
  expect(declaration).toContain(before)
  expect(checkLeaseOwner('swarm/gateway.ts', declaration)).toEqual([])
  expect(checkLeaseOwner('swarm/gateway.ts', declaration.replace(before, after))).toEqual([
    `src/swarm/gateway.ts: Gateway: "${after}" is not readonly; only swarm/leases.ts writes a lease`,
  ])
})

test.each(['type W<T> = { -readonly [K in keyof T]: T[K] }', 'Object.assign(gateway, { version: 1 })'])(
  'a way around readonly is found outside the owner: %s',
  (source) => {
    expect(checkLeaseOwner('tracker/tracker.ts', source)).toHaveLength(1)
    expect(checkLeaseOwner('swarm/leases.ts', source)).toEqual([])
  },
)

test('a declaration that has moved is missed', () => {
  expect(checkLeaseOwner('swarm/gateway.ts', 'export interface Other {}')).toEqual([
    'src/swarm/gateway.ts: the interface Gateway is not found here',
  ])
})
