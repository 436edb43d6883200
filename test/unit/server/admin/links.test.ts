/** Links between sites, and their rates, over the admin API. */
import { describe, expect, it } from 'vitest'
import { aTopology } from '../../../a-topology.ts'
import { anAdmin } from '../../../an-admin.ts'

const HOURS = { beginMinute: 20 * 60, endMinute: 6 * 60, zone: 'UTC' }

/** fra and ams with a rate and hours, nyc without nodes. */
async function anAdminOfLinks() {
  const admin = await anAdmin()
  admin.site.topology.replace(
    aTopology({
      link: (a, b) =>
        a + b === 1
          ? { carry: 'nodes', rate: 25_000_000, hours: HOURS }
          : { carry: 'direct', rate: undefined, hours: undefined },
    }),
  )
  const request = async (path: string, body?: string) => {
    const post = { method: 'POST', body: body ?? '', headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${admin.url}/api/v1/links${path}`, body === undefined ? {} : post)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { ...admin, request }
}

const limited = {
  between: ['fra', 'ams'],
  cost: 10,
  carry: 'nodes',
  rateBytesPerSecond: 25_000_000,
  rateFrom: 'topology',
  rateSetAt: null,
  hours: '20:00-06:00 UTC',
  // 14 November 2023, 22:13.
  isOpen: true,
  nextChangeAt: '2023-11-15T06:00:00.000Z',
}
const direct = {
  cost: 100,
  carry: 'direct',
  rateBytesPerSecond: null,
  rateFrom: null,
  rateSetAt: null,
  hours: null,
  isOpen: true,
  nextChangeAt: null,
}

describe('links', () => {
  it('are listed with cost, transport, rate and hours', async () => {
    const { request } = await anAdminOfLinks()
    expect((await request('')).body).toEqual({
      total: 3,
      links: [limited, { between: ['fra', 'nyc'], ...direct }, { between: ['ams', 'nyc'], ...direct }],
    })
    expect((await request('?site=nyc')).body['total']).toBe(2)
  })

  it('have the rate that an operator sets, in both directions, until it is withdrawn', async () => {
    const { request } = await anAdminOfLinks()
    const set = { ...limited, rateBytesPerSecond: 5_000_000, rateFrom: 'override', warnings: [] }
    expect(await request('/ams/fra', '{"rate": "40Mbit"}')).toEqual({
      status: 200,
      body: { ...set, between: ['ams', 'fra'], rateSetAt: '2030-01-02T03:04:05.000Z' },
    })
    expect((await request('/fra/ams', '{"rate": "0Mbit"}')).body['rateBytesPerSecond']).toBe(0)
    expect((await request('/fra/ams', '{"rate": null}')).body).toEqual({ ...limited, warnings: [] })
  })

  it.each([
    ['/fra/asm', '{"rate": null}', 404, 'site-unknown', 'there is no site "asm" in the topology'],
    ['/fra/fra', '{"rate": null}', 404, 'link-unknown', 'there is no link between fra and fra'],
    [
      '/fra/nyc',
      '{"rate": "1Mbit"}',
      409,
      'carry-direct',
      'no node carries content between fra and nyc, so a rate has no effect; see carry in the topology',
    ],
    [
      '/fra/ams',
      '{"rate": 40}',
      400,
      'rate-invalid',
      'rate must be as in {"rate": "200Mbit"}, or {"rate": null} for the rate of the topology, not 40',
    ],
    [
      '/fra/ams',
      '{"speed": "40Mbit"}',
      400,
      'parameter-unknown',
      'there is no parameter "speed"; the parameters are rate',
    ],
  ])('%s rejects %s', async (path, body, status, code, message) => {
    const { request } = await anAdminOfLinks()
    expect(await request(path, body)).toMatchObject({ status, body: { code, detail: message } })
  })
})
