/** Rollouts as an operator sees them: states, percentages, hosts that come and leave, bytes between sites. */
import { describe, expect, it } from 'vitest'
import { absentHosts, absentSentence } from '../../../src/rollouts/absent-hosts.ts'
import { aRollout, SIZE_BYTES } from '../../a-rollout.ts'

const SOURCE = '127.1.1.1'

describe('the state of a rollout', () => {
  it('follows a hold and its release also before the first host has announced', () => {
    const rollout = aRollout()
    rollout.rollouts.setExpected(rollout.torrent, { ams: 2 })
    rollout.pass(2)
    rollout.setHeld('ams', true)
    rollout.pass(2)
    expect(rollout.at('ams')).toMatchObject({ isHeld: true, sentence: expect.stringContaining('held') })
    rollout.setHeld('ams', false)
    rollout.pass(2)
    expect(rollout.at('ams').isHeld).toBe(false)
  })

  it('is waiting while only the source is there', () => {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    rollout.pass(2)
    expect(rollout.answer()).toMatchObject({
      state: 'waiting',
      percent: 0,
      startedAt: null,
      hosts: { expected: null, seen: 0, complete: 0, sources: 1 },
    })
  })

  it('is running from the first host on, and complete with the last one', () => {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    rollout.join('127.2.1.1')
    rollout.join('127.2.1.2')
    rollout.pass(2)
    expect(rollout.answer()).toMatchObject({ state: 'running', percent: 0, completedAt: null })
    rollout.finish('127.2.1.1')
    rollout.pass(2)
    expect(rollout.answer()).toMatchObject({ state: 'running', percent: 50, hosts: { seen: 2, complete: 1 } })
    rollout.finish('127.2.1.2')
    rollout.pass(2)
    expect(rollout.answer()).toMatchObject({
      state: 'complete',
      percent: 100,
      etaSeconds: 0,
      rateBytesPerSecond: 0,
    })
    expect(rollout.answer().completedAt).not.toBeNull()
  })

  it('is stranded while a host waits and no site has a source, and the site names the cause', () => {
    const rollout = aRollout()
    rollout.join('127.2.1.1')
    rollout.observe('127.2.1.1', { reachability: 'unreachable' })
    const swarm = rollout.table.swarm(rollout.torrent.infoHashes[0] as Buffer)
    for (const { row } of swarm?.site(1)?.gateways ?? [])
      rollout.table.leases.end(rollout.table.leaseOf(row), 'stalled')
    rollout.pass(2)
    expect(rollout.answer().state).toBe('stranded')
    expect(rollout.at('ams').sentence).toContain('no connected site has a source')
  })

  it('is not complete before as many hosts are complete as are expected', () => {
    const rollout = aRollout({ expect: { ams: 3, nyc: 1 } })
    rollout.seed(SOURCE)
    rollout.join('127.2.1.1')
    rollout.join('127.2.1.2')
    rollout.finish('127.2.1.1')
    rollout.finish('127.2.1.2')
    rollout.pass(2)
    expect(rollout.answer()).toMatchObject({
      state: 'running',
      percent: 50,
      hosts: { expected: 4, seen: 2, complete: 2 },
    })
    expect(rollout.at('ams')).toMatchObject({ percent: 66.6, isComplete: false })
    expect(rollout.at('ams').sentence).toContain('1 of 3 expected hosts have not announced')
    expect(rollout.at('nyc').sentence).toBe('none of the 1 expected hosts has announced the torrent')
  })

  it('follows numbers of expected hosts that are set for the torrent', () => {
    const rollout = aRollout({ expect: { ams: 3 } })
    rollout.join('127.2.1.1')
    rollout.finish('127.2.1.1')
    rollout.pass(2)
    expect(rollout.answer().state).toBe('running')
    rollout.rollouts.setExpected(rollout.torrent, { ams: 1 })
    expect(rollout.answer()).toMatchObject({ state: 'complete', hosts: { expected: 1 } })
  })
})

describe('the hosts of a rollout', () => {
  it('stay complete after their clients have left', () => {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    rollout.join('127.2.1.1')
    rollout.pass(2)
    rollout.finish('127.2.1.1')
    rollout.announce('127.2.1.1', { left: 0, event: 'stopped' })
    rollout.pass(2)
    expect(rollout.answer()).toMatchObject({ state: 'complete', hosts: { seen: 1, complete: 1 } })
  })

  it('are complete also if they finish and leave between two measurements', () => {
    const rollout = aRollout()
    rollout.join('127.2.1.1')
    rollout.finish('127.2.1.1')
    rollout.announce('127.2.1.1', { left: 0, event: 'stopped' })
    rollout.pass(1)
    expect(rollout.answer()).toMatchObject({ state: 'complete', percent: 100 })
  })

  it('stay hosts when they return as seeds', () => {
    const rollout = aRollout()
    rollout.join('127.2.1.1')
    rollout.finish('127.2.1.1')
    rollout.announce('127.2.1.1', { left: 0, event: 'stopped' })
    rollout.pass(1)
    rollout.announce('127.2.1.1', { left: 0, event: 'started' })
    rollout.observe('127.2.1.1', { share: 1 })
    rollout.pass(2)
    expect(rollout.answer().hosts).toMatchObject({ seen: 1, complete: 1, sources: 0 })
  })

  it('that leave incomplete are late, and are forgotten after a quarter of an hour if no number is expected', () => {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    rollout.join('127.2.1.1')
    rollout.join('127.2.1.2')
    rollout.pass(2)
    rollout.finish('127.2.1.2')
    rollout.announce('127.2.1.1', { left: SIZE_BYTES / 2, event: 'stopped', client: '-LT2080-' })
    rollout.pass(2)
    expect(rollout.answer().state).toBe('running')
    expect(rollout.at('ams').stragglers).toMatchObject([{ address: '127.2.1.1', reason: 'gone', percent: 0 }])
    rollout.pass(900)
    expect(rollout.answer()).toMatchObject({ state: 'complete', hosts: { seen: 1 } })
  })

  it('have the progress that a node observed, and the site states where it is from', () => {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    rollout.join('127.2.1.1')
    rollout.observe('127.2.1.1', { share: 0.5 })
    rollout.pass(1)
    expect(rollout.at('ams')).toMatchObject({ percent: 50, origin: { percent: 'observed' } })
    rollout.join('127.2.2.2')
    rollout.pass(1)
    expect(rollout.at('ams')).toMatchObject({ percent: 25, origin: { percent: 'mixed' } })
    expect(rollout.at('ams').bubbles).toMatchObject([
      { bubble: 'row-a', percent: 50, hosts: { seen: 1 } },
      { bubble: 'row-b', percent: 0, hosts: { seen: 1 } },
    ])
  })

  it('name their clients', () => {
    const rollout = aRollout()
    rollout.join('127.2.1.1', '-TR3000-')
    rollout.pass(1)
    const hosts = rollout.rollouts.hosts(rollout.torrent.infoHashes[0] as Buffer, 'ams')
    expect(hosts).toMatchObject([{ address: '127.2.1.1', client: 'Transmission 3.00', state: 'downloading' }])
  })
})

describe('stragglers', () => {
  it('have a reason: closed port, no progress, behind the others', () => {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    const hosts = Array.from({ length: 8 }, (_, index) => `127.2.1.${index + 1}`)
    for (const host of hosts) rollout.join(host)
    rollout.observe('127.2.1.1', { reachability: 'unreachable' })
    for (let second = 1; second <= 30; second++) {
      rollout.pass(1)
      for (const host of hosts.slice(3)) rollout.observe(host, { share: second / 60 })
      rollout.observe('127.2.1.2', { share: 0.1, isStalled: second > 10 })
      rollout.observe('127.2.1.3', { share: second / 400 })
    }
    rollout.pass(1)
    const reasons = Object.fromEntries(
      rollout.at('ams').stragglers.map(({ address, reason }) => [address, reason]),
    )
    expect(reasons).toEqual({ '127.2.1.1': 'port-closed', '127.2.1.2': 'stalled', '127.2.1.3': 'slow' })
  })
})

describe('the last hosts of a site', () => {
  /** Twenty hosts, the shares of which increase by these parts a second; `until` is excluded. */
  function stragglersOf(rates: readonly number[], until: number): Set<string> {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    const hosts = rates.map((rate, index) => ({ address: `127.2.1.${index + 1}`, rate }))
    for (const { address } of hosts) rollout.join(address)
    const named = new Set<string>()
    for (let second = 1; second < until; second++) {
      for (const { address, rate } of hosts)
        if (rate * (second - 1) < 1) rollout.observe(address, { share: Math.min(1, rate * second) })
      rollout.pass(1)
      for (const { address, reason } of rollout.at('ams').stragglers)
        named.add(`${second} s ${address} ${reason}`)
    }
    return named
  }

  it('are not stragglers while they complete one after the other', () => {
    const rates = Array.from({ length: 20 }, (_, host) => 1 / (100 + host))
    expect(stragglersOf(rates, 125)).toEqual(new Set())
  })

  it('include one that is far slower than the others, until it completes', () => {
    const named = stragglersOf([...Array.from({ length: 19 }, () => 1 / 100), 1 / 300], 300)
    const seconds = [...named].map((line) => Number.parseInt(line, 10))
    expect(new Set([...named].map((line) => line.replace(/^\d+ s /, '')))).toEqual(
      new Set(['127.2.1.20 slow']),
    )
    expect(Math.min(...seconds)).toBeLessThan(40)
    expect(seconds.at(-1)).toBe(299)
    expect(seconds).toHaveLength(300 - Math.min(...seconds))
  })
})

describe('hosts that never came', () => {
  it('are counted at their site, and in their bubble if it has a number', () => {
    const rollout = aRollout()
    rollout.rollouts.setExpected(rollout.torrent, { 'ams/row-a': 3, 'ams/row-b': 2, nyc: 4 })
    rollout.seed(SOURCE)
    for (const host of ['127.2.1.1', '127.2.2.1', '127.2.2.2', '127.3.1.1']) rollout.join(host)
    rollout.pass(2)
    expect(rollout.answer().hosts).toMatchObject({ expected: 9, seen: 4, absent: 5 })
    expect(absentHosts(rollout.sites()).map((each) => `${each.place}: ${absentSentence(each)}`)).toEqual([
      'ams/row-a: 2 of 3 expected hosts have not announced',
      'nyc: 3 of 4 expected hosts have not announced',
    ])
  })

  it('are not those of a site without a host, whose sentence states that', () => {
    const rollout = aRollout()
    rollout.rollouts.setExpected(rollout.torrent, { ams: 1, nyc: 4 })
    rollout.join('127.2.1.1')
    rollout.pass(2)
    expect(absentHosts(rollout.sites())).toEqual([])
    expect(rollout.at('nyc').sentence).toBe('none of the 4 expected hosts has announced the torrent')
  })
})

describe('the bytes of a rollout', () => {
  it('between sites are those of the gateway, as a bound, and the rest is saved', () => {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    for (const host of ['127.2.1.1', '127.2.1.2', '127.2.1.3']) rollout.join(host)
    rollout.pass(1)
    for (const host of ['127.2.1.1', '127.2.1.2', '127.2.1.3']) rollout.finish(host)
    rollout.pass(2)
    expect(rollout.answer()).toMatchObject({
      bytes: {
        downloaded: 3 * SIZE_BYTES,
        betweenSites: SIZE_BYTES,
        betweenSitesAtMost: SIZE_BYTES,
        saved: 2 * SIZE_BYTES,
      },
      origin: { betweenSites: 'bound', saved: 'bound' },
    })
    expect(rollout.at('ams')).toMatchObject({
      copiesIn: 1,
      bytes: { from: [{ site: 'fra', bytes: SIZE_BYTES }] },
    })
  })

  it('are counted exactly where a carrier received them, over restarts of its process', () => {
    let received = 600_000
    const rollout = aRollout({
      carriage: {
        find: (_infoHash, site) =>
          site === 'ams'
            ? {
                node: 'ams-1',
                upstreamSite: 'fra',
                rateBytesPerSecond: 1_000,
                received: [{ site: 'fra', bytes: received }],
              }
            : undefined,
      },
    })
    rollout.seed(SOURCE)
    rollout.join('127.2.1.1')
    rollout.pass(1)
    received = 400_000
    rollout.pass(1)
    const { from } = rollout.at('ams').bytes
    expect(from).toEqual([{ site: 'fra', bytes: 1_000_000 }])
    expect(rollout.at('ams')).toMatchObject({
      carrier: { node: 'ams-1', upstreamSite: 'fra' },
      gateway: null,
    })
    expect(rollout.at('ams').sentence).toBe('fetches from fra through ams-1')
  })
})

describe('a site whose own nodes are connected', () => {
  it('is shown as its nodes report it', () => {
    const rollout = aRollout({ remote: ['ams'], expect: { ams: 2 } })
    const other = aRollout()
    other.seed(SOURCE)
    other.join('127.2.1.1')
    other.finish('127.2.1.1')
    other.pass(1)
    const report = other.rollouts.find(other.torrent.infoHashes[0] as Buffer)?.reports.get('ams')
    expect(report).toBeDefined()
    if (report !== undefined) rollout.rollouts.receive(rollout.torrent, report)
    rollout.pass(1)
    expect(rollout.at('ams')).toMatchObject({
      percent: 50,
      hosts: { expected: 2, complete: 1 },
      isComplete: false,
    })
  })
})

describe('a torrent that is removed', () => {
  it('keeps its rollout', () => {
    const rollout = aRollout()
    rollout.join('127.2.1.1')
    rollout.finish('127.2.1.1')
    rollout.pass(1)
    rollout.setRegistered(false)
    rollout.pass(1)
    expect(rollout.answer()).toMatchObject({ state: 'complete', isRegistered: false })
    expect(rollout.rollouts.torrents()).toHaveLength(1)
  })
})

describe('a site that waits for a source', () => {
  it('is stranded although it has a gateway, and no longer once a source is there', () => {
    const rollout = aRollout()
    rollout.join('127.2.1.1')
    rollout.pass(3)
    expect(rollout.at('ams').state).toBe('filling')
    rollout.pass(5)
    expect(rollout.answer().state).toBe('stranded')
    expect(rollout.at('ams').sentence).toContain('no connected site has a source')
    rollout.seed(SOURCE)
    rollout.announce('127.2.1.1', { left: SIZE_BYTES, client: '-LT2080-' })
    rollout.pass(2)
    expect(rollout.answer().state).toBe('running')
  })

  it.each([
    ['is stranded although the torrent has an origin, if no node serves that', '/root/image', 'stranded'],
    ['is not stranded if a node serves the origin of the torrent', '/srv/image', 'running'],
  ])('%s', (_, origin, state) => {
    const rollout = aRollout({ origin })
    rollout.join('127.2.1.1')
    rollout.pass(8)
    expect(rollout.answer().state).toBe(state)
  })

  it('is not stranded while its hosts complete each other', () => {
    const rollout = aRollout()
    rollout.join('127.2.1.1')
    rollout.join('127.2.1.2')
    for (let second = 0; second < 30; second++) {
      rollout.observe('127.2.1.1', { share: second / 40 })
      rollout.pass(1)
    }
    expect(rollout.at('ams').state).toBe('filling')
  })

  it('is not stranded while its content moves after its sources have expired, and is once nothing moves', () => {
    const rollout = aRollout()
    rollout.seed(SOURCE)
    rollout.join('127.2.1.1')
    rollout.join('127.2.1.2')
    rollout.announce(SOURCE, { left: 0, event: 'stopped' })
    const states: string[] = []
    for (let second = 1; second < 30; second++) {
      for (const host of ['127.2.1.1', '127.2.1.2'])
        rollout.observe(host, { share: second / 40, reachability: 'unreachable' })
      const swarm = rollout.table.swarm(rollout.torrent.infoHashes[0] as Buffer)
      for (const { row } of swarm?.site(1)?.gateways ?? [])
        rollout.table.leases.end(rollout.table.leaseOf(row), 'stalled')
      rollout.pass(1)
      states.push(rollout.at('ams').state)
    }
    // A movement needs two measurements.
    expect(new Set(states.slice(1))).toEqual(new Set(['filling']))
    rollout.pass(11)
    expect(rollout.at('ams').state).toBe('stranded')
  })
})
