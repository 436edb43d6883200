import { describe, expect, it } from 'vitest'
import { Address } from '../../../../src/core/address.ts'
import { UntrustedForwarding } from '../../../../src/server/http/untrusted-forwarding.ts'

function aReport() {
  const addresses: unknown[] = []
  let count = 0
  const report = new UntrustedForwarding(
    { warn: (fields: object) => void addresses.push('address' in fields && fields.address) },
    () => void count++,
  )
  return { report, addresses, count: () => count }
}

describe('a forwarding header of an address that is not a trusted proxy', () => {
  it('is counted for each request and logged once for each address', () => {
    const { report, addresses, count } = aReport()
    for (const last of [1, 1, 2, 1]) report.report(Address.v4(0x0a000000 + last), 'x-forwarded-for')
    expect(addresses).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(count()).toBe(4)
  })

  it('is logged for at most 100 addresses, because any client can send one', () => {
    const { report, addresses, count } = aReport()
    for (let last = 0; last < 250; last++) report.report(Address.v4(0x0a000000 + last), 'forwarded')
    expect(addresses).toHaveLength(100)
    expect(count()).toBe(250)
  })
})
