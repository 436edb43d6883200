import { expect, test } from 'vitest'
import { type Change, Revisions } from '../../../src/swarm/revision.ts'
import { Swarm } from '../../../src/swarm/swarm.ts'

const applied: [Swarm, Change][] = []
const aSwarm = (of: Revisions<Swarm>) => new Swarm(0, Buffer.alloc(20), of.latest)

function renumbering(places: readonly number[]): Change['renumbering'] {
  return { places: Int32Array.from(places), sites: Int32Array.of(0), isIdentity: false }
}

test('a swarm applies all changes since it was used as one, and each once', () => {
  const revisions = new Revisions<Swarm>((swarm, change) => applied.push([swarm, change]))
  const old = aSwarm(revisions)
  revisions.add({ renumbering: renumbering([2, -1, 1]) })
  const young = aSwarm(revisions)
  revisions.add({ shiftedMs: 50 })
  expect(young.sites).toEqual([])
  revisions.add({ renumbering: renumbering([5, 6, 7]), shiftedMs: -20 })
  expect(old.completedAtMs).toBe(0)
  expect(young.sites).toEqual([])
  old.catchUp()
  expect(applied).toEqual([
    [young, { renumbering: undefined, shiftedMs: 50 }],
    [old, { renumbering: renumbering([7, -1, 6]), shiftedMs: 30 }],
    [young, { renumbering: renumbering([5, 6, 7]), shiftedMs: -20 }],
  ])
})
