import { expect, it } from 'vitest'
import type { LogFields } from '../../../src/core/log.ts'
import { AddressReports } from '../../../src/daemon/address-reports.ts'
import { at } from '../../a-tracker.ts'

function someReports() {
  const logged: LogFields[] = []
  const counters = { sharedEndpoints: 0, loopbackWithheld: 0 }
  return {
    reports: new AddressReports(counters, { warn: (fields) => logged.push(fields) }),
    counters,
    logged,
  }
}

it('each shared endpoint is logged once, and every announce of it is counted', () => {
  const { reports, counters, logged } = someReports()
  reports.sharedEndpoint(at('10.0.0.7'), 6881)
  reports.sharedEndpoint(at('10.0.0.7'), 6881)
  reports.sharedEndpoint(at('fd00::7'), 6882)
  expect(logged.map(({ event, endpoint }) => [event, endpoint])).toEqual([
    ['shared-endpoint', '10.0.0.7:6881'],
    ['shared-endpoint', '[fd00::7]:6882'],
  ])
  expect(counters).toEqual({ sharedEndpoints: 3, loopbackWithheld: 0 })
})

it('each loopback address is logged once, and every response without it is counted', () => {
  const { reports, counters, logged } = someReports()
  for (const address of ['127.0.0.1', '::1', '127.0.0.1']) reports.loopbackWithheld(at(address))
  expect(logged.map(({ event, address }) => [event, address])).toEqual([
    ['loopback-withheld', '127.0.0.1'],
    ['loopback-withheld', '::1'],
  ])
  expect(counters).toEqual({ sharedEndpoints: 0, loopbackWithheld: 3 })
})

it('the log names a hundred addresses, and the counter has all', () => {
  const { reports, counters, logged } = someReports()
  for (let host = 0; host < 1_000; host++) reports.sharedEndpoint(at(`10.0.${host >> 8}.${host & 255}`), 6881)
  expect(logged).toHaveLength(100)
  expect(counters.sharedEndpoints).toBe(1_000)
})
