/** The page of one rollout in a terminal. */
import { expect, it } from 'vitest'
import { rolloutLines } from '../../../src/cli/rollout-lines.ts'
import { aRollout } from '../../a-rollout.ts'

it('lists late hosts with their reasons, and the numbers of those that never came', () => {
  const rollout = aRollout()
  rollout.rollouts.setExpected(rollout.torrent, { 'ams/row-a': 20, nyc: 2 })
  rollout.seed('127.1.1.1')
  rollout.join('127.2.1.1')
  rollout.pass(1)
  rollout.observe('127.2.1.1', { share: 0.25, isStalled: true, reachability: 'unreachable' })
  rollout.join('127.3.1.1')
  rollout.pass(20)
  const lines = rolloutLines({ ...rollout.answer(), expect: {}, sites: rollout.sites() })
  const late = lines.slice(lines.indexOf('LATE') + 1)
  expect(late).toEqual([
    expect.stringMatching(
      /^ams\/row-a  127\.2\.1\.1:6881  25\.0 %  port-closed  libtorrent 2\.0\.8  last seen /,
    ),
    expect.stringMatching(
      /^nyc\/row-a  127\.3\.1\.1:6881  0\.0 %   no-peers     libtorrent 2\.0\.8  last seen /,
    ),
    'ams/row-a  19 of 20 expected hosts have not announced',
    'nyc  1 of 2 expected hosts has not announced',
  ])
})
