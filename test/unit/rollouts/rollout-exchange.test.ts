/** Reports of other sites that an honest node would not send. */
import { expect, test } from 'vitest'
import { infoHashKey } from '../../../src/core/info-hash.ts'
import { RolloutExchange } from '../../../src/rollouts/rollout-exchange.ts'
import { aRollout } from '../../a-rollout.ts'
import { TORRENT } from '../../a-tracker.ts'

const exchangeOf = ({ rollouts, topology, clock }: ReturnType<typeof aRollout>) =>
  new RolloutExchange({ rollouts, topology, site: 'fra', clock })

const sender = aRollout()
sender.join('127.1.1.2')
sender.pass(2)
const reportOfFra = exchangeOf(sender).encode(infoHashKey(TORRENT))?.toString() ?? ''

/** A report of a site with a host, as its node would send it. */
function aReport(site: string, rate = 0): Buffer {
  return Buffer.from(
    reportOfFra
      .replaceAll('"fra"', JSON.stringify(site))
      .replace(/"rateBytesPerSecond":\d+/, `"rateBytesPerSecond":${rate}`),
  )
}

test('a site cannot fill the memory with reports of sites that do not exist', () => {
  const receiver = aRollout({ remote: ['ams'] })
  const exchange = exchangeOf(receiver)
  const rollout = receiver.rollouts.restore(receiver.torrent)
  for (let number = 0; number < 1_000; number++) exchange.receive('ams', aReport(`site-${number}`))
  expect(exchange.receive('ams', aReport('ams'))).toBe(true)
  expect([...rollout.reports.keys()]).toEqual(['ams'])
  expect(rollout.offered.size).toBe(0)
})

test('a rate that no link has is rejected, because the sum over the sites would not be a number', () => {
  const receiver = aRollout({ remote: ['ams'] })
  const exchange = exchangeOf(receiver)
  receiver.rollouts.restore(receiver.torrent)
  expect(exchange.receive('ams', aReport('ams', 1e308))).toBe(false)
  expect(exchange.receive('ams', aReport('ams', 1e9))).toBe(true)
  expect(receiver.answer().rateBytesPerSecond).toBe(1e9)
})
