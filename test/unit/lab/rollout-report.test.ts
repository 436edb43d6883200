import { describe, expect, it } from 'vitest'
import { type RolloutHost, reportRollout } from '../../../lab/rollout-report.ts'
import type { Reading } from '../../../lab/watcher.ts'

const START = 1_000

const host: RolloutHost = {
  name: 's2-b1-h1',
  address: '10.2.1.1',
  site: 's2',
  late: undefined,
  doneAt: START + 20,
}

const client = (second: number, have: number, name = host.name): Reading => ({
  at: START + second,
  name,
  kind: 'libtorrent',
  value: { have, of: 100 },
})

const answer = (second: number, name: string, body: unknown): Reading => ({
  at: START + second,
  name,
  kind: 'node',
  value: { status: 200, text: JSON.stringify(body) },
})

const peers = (second: number, percent: number | null) =>
  answer(second, 'peers s2', { peers: [{ address: host.address, percent }] })

const rollout = (second: number, values: object, site = 's2') =>
  answer(second, `rollout ${site}`, { state: 'running', percent: 0, etaSeconds: null, sites: [], ...values })

const lineOf = (readings: readonly Reading[], begin: string, hosts = [host]) =>
  reportRollout({ readings, hosts, startAt: START }).find((line) => line.startsWith(begin))

describe('the report of a rollout', () => {
  it('has the largest lag of the API in percent of the file and in seconds', () => {
    const readings = [client(1, 10), client(2, 20), client(3, 30), peers(1.1, 10), peers(3.5, 10)]
    expect(lineOf(readings, 'progress')).toBe(
      'progress of the API behind the clients: at most 20.0 % of the file (s2-b1-h1, 4 s after the start), ' +
        'at most 1.5 s; above 5 % and 10 s: 0 of 2 readings',
    )
  })

  it('counts the readings that are beyond both limits', () => {
    const readings = [client(1, 50), peers(5, 0), peers(11.5, 0), peers(12, 46)]
    expect(lineOf(readings, 'progress')).toContain('above 5 % and 10 s: 1 of 3 readings')
  })

  it('compares the figures of the nodes in the same second', () => {
    const readings = [
      rollout(1.1, { percent: 10 }, 's1'),
      rollout(1.6, { percent: 14 }, 's2'),
      rollout(2.1, { percent: 20 }, 's1'),
      rollout(2.2, { percent: 20 }, 's2'),
    ]
    expect(lineOf(readings, 'nodes')).toContain('at most 4.0 % apart, mean 2.0 %, at the end 0.0 %')
  })

  it('compares the time left with the end of the last host, from a quarter on', () => {
    const readings = [
      client(2, 10),
      rollout(3, { etaSeconds: 500 }),
      client(9, 40),
      rollout(10, { etaSeconds: 12 }),
      rollout(12, { etaSeconds: 16 }),
      rollout(15, { etaSeconds: null }),
      rollout(19, { etaSeconds: 60 }),
    ]
    expect(lineOf(readings, 'time left')).toBe(
      'time left from a quarter on: 2 readings, 1 unknown; error 20 % median, 20 % in nine of ten, 100 % at most; within a third 50 %',
    )
  })

  it('has a line for each late host, and for each other host that the nodes list', () => {
    const stopped: RolloutHost = { ...host, name: 's2-b1-h2', address: '10.2.1.2', late: 'stopped' }
    const named = (second: number, address: string, reason: string) =>
      rollout(second, { sites: [{ site: 's2', stragglers: [{ address, reason }] }] })
    const readings = [named(5, host.address, 'slow'), named(8, host.address, 'slow')]
    const lines = reportRollout({ readings, hosts: [host, stopped], startAt: START })
    expect(lines.filter((line) => line.startsWith('straggler'))).toEqual([
      'straggler s2-b1-h1 (no fault, complete after 20.0 s): slow from 5 to 8 s',
      'straggler s2-b1-h2 (stopped, complete after 20.0 s): never listed',
    ])
  })

  it('reports events that arrived twice', () => {
    const event = (second: number, type: string, site: string | null): Reading => ({
      at: START + second,
      name: 'webhooks',
      kind: 'webhooks',
      value: { id: type, type, site, isSigned: true },
    })
    const readings = [
      event(1, 'started', null),
      event(9, 'site-complete', 's2'),
      event(10, 'site-complete', 's2'),
    ]
    expect(lineOf(readings, 'webhooks')).toBe(
      'webhooks: started 1 s, site-complete s2 9 s, site-complete s2 10 s; repeated: site-complete s2 2, all signed',
    )
  })
})
