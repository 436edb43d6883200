/** The page that Prometheus scrapes: fixed names, every series at zero from the start, accepted by promtool. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/observe/counters.ts'
import { listenerRows } from '../../../src/observe/listener-metrics.ts'
import { Metrics } from '../../../src/observe/metrics.ts'
import { metricsTable } from '../../../src/observe/metrics-table.ts'
import type { Gauges } from '../../../src/observe/metric-row.ts'
import { needs } from '../../setup/needs.ts'

const idle: Gauges = {
  bubbles: [{ site: 'fra', bubble: 'row-a', seeds: 0, leechers: 0 }],
  sites: [{ site: 'fra', swarms: 0, gateways: 0, held: 0 }],
  store: {
    isUp: true,
    lagSeconds: 0,
    backlogBytes: 0,
    droppedBatches: 0,
    refusedBatches: 0,
    invalidValues: 0,
  },
  isReady: false,
  workersReplaced: 0,
  federation: {
    remotes: [{ remote: 'ams', isUp: false, ageSeconds: 0 }],
    receivedBytes: 0,
    sentBytes: 0,
    refusals: [{ reason: 'token', count: 0 }],
  },
  topologyHash: '0123456789ab',
  observers: {
    sites: [{ site: 'fra', observed: 0, unreachable: 0, falseSeeds: 0 }],
    site: 'fra',
    results: [{ result: 'refused', count: 0 }],
  },
  carriers: {
    sites: [{ site: 'fra', relays: 0 }],
    relayed: [{ site: 'fra', from: 'ams', bytes: 0 }],
    links: [{ remote: 'ams', isUp: false }],
    cachedBytes: 0,
    faults: [{ fault: 'flooding', count: 0 }],
    piecesInvalid: 0,
    liars: 0,
    exits: 0,
  },
  wrongAdminTokens: 0,
  logLinesDropped: 0,
  peersEvicted: 0,
  udpDrops: { unreadable: 0, unproven: 0, limited: 0, unsent: 0 },
}

describe('/metrics', () => {
  test('has every metric at zero at the start', async () => {
    const lines = samples(await metricsOf(new Counters(['fra'])).render())

    expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([
      'siteswarm_store_up 1',
      'siteswarm_topology_info{hash="0123456789ab"} 1',
      'siteswarm_build_info{version="1.2.3"} 1',
    ])
    expect(lines).toContain('siteswarm_announces_total{site="fra",protocol="udp",event="stopped"} 0')
    expect(lines).toContain('siteswarm_announce_failures_total{code="TRK_ADDRESS_UNMAPPED"} 0')
    expect(lines).toContain('siteswarm_peers{site="fra",bubble="row-a",role="seed"} 0')
    expect(lines).toContain('siteswarm_swarms{site="fra"} 0')
    expect(lines).toContain('siteswarm_handout_peers_total{site="fra",ring="remote"} 0')
    expect(lines).toContain('siteswarm_gateways{site="fra"} 0')
    expect(lines).toContain('siteswarm_gateway_elections_total{site="fra",cause="stalled"} 0')
    expect(lines).toContain('siteswarm_rescues_total{site="fra"} 0')
    expect(lines).toContain('siteswarm_downloaded_bytes_total{site="fra"} 0')
    expect(lines).toContain('siteswarm_gateway_downloaded_bytes_total{site="fra"} 0')
    expect(lines).toContain('siteswarm_completions_total{site="fra"} 0')
    expect(lines).toContain('siteswarm_store_lag_seconds 0')
    expect(lines).toContain('siteswarm_announce_duration_seconds_count 0')
    expect(lines).toContain('siteswarm_topology_reloads_total{result="refused"} 0')
    expect(lines).toContain('siteswarm_ready 0')
    expect(lines).toContain('siteswarm_workers_replaced_total 0')
    expect(lines).toContain('siteswarm_log_lines_dropped_total 0')
  })

  test('shows the current counts', async () => {
    const counters = new Counters(['fra', 'ams'])
    const metrics = metricsOf(counters)
    counters.announce(1, 'http', 'started')
    counters.handout(1, 'site', 3)
    counters.refusal('TRK_TOKEN_WRONG')

    const lines = samples(await metrics.render())
    expect(lines).toContain('siteswarm_announces_total{site="ams",protocol="http",event="started"} 1')
    expect(lines).toContain('siteswarm_announces_total{site="fra",protocol="http",event="started"} 0')
    expect(lines).toContain('siteswarm_handout_peers_total{site="ams",ring="site"} 3')
    expect(lines).toContain('siteswarm_announce_failures_total{code="TRK_TOKEN_WRONG"} 1')
  })

  test('reads the gauges at each scrape', async () => {
    let gauges = idle
    const counters = new Counters(['fra'])
    const metrics = new Metrics(metricsTable, { version: '1.2.3', counters, readGauges: () => gauges })
    gauges = {
      ...idle,
      bubbles: [{ site: 'fra', bubble: '-', seeds: 2, leechers: 5 }],
      store: {
        isUp: false,
        lagSeconds: 12.5,
        backlogBytes: 4096,
        droppedBatches: 2,
        refusedBatches: 3,
        invalidValues: 4,
      },
    }

    const lines = samples(await metrics.render())
    expect(lines).toContain('siteswarm_peers{site="fra",bubble="-",role="seed"} 2')
    expect(lines).toContain('siteswarm_peers{site="fra",bubble="-",role="leecher"} 5')
    expect(lines).toContain('siteswarm_store_up 0')
    expect(lines).toContain('siteswarm_store_lag_seconds 12.5')
    expect(lines).toContain('siteswarm_store_backlog_bytes 4096')
    expect(lines).toContain('siteswarm_store_batches_dropped_total 2')
    expect(lines).toContain('siteswarm_store_batches_refused_total 3')
  })

  test('includes the faster announces in each duration bucket', async () => {
    const counters = new Counters([])
    counters.duration(0.000_04)
    counters.duration(0.000_2)
    counters.duration(5)

    const lines = samples(await metricsOf(counters).render())
    expect(lines).toContain('siteswarm_announce_duration_seconds_bucket{le="0.000025"} 0')
    expect(lines).toContain('siteswarm_announce_duration_seconds_bucket{le="0.00005"} 1')
    expect(lines).toContain('siteswarm_announce_duration_seconds_bucket{le="0.00025"} 2')
    expect(lines).toContain('siteswarm_announce_duration_seconds_bucket{le="1"} 2')
    expect(lines).toContain('siteswarm_announce_duration_seconds_bucket{le="+Inf"} 3')
    expect(lines).toContain('siteswarm_announce_duration_seconds_count 3')
    expect(lines).toContain('siteswarm_announce_duration_seconds_sum 5.00024')
  })

  test('drops the series of a site that a reload removed', async () => {
    const counters = new Counters(['fra', 'ams'])
    const metrics = metricsOf(counters)
    counters.resize(['fra'])
    expect(await metrics.render()).not.toContain('site="ams"')
  })

  test.skipIf(needs('promtool'))('is accepted by promtool, the metrics of the process included', async () => {
    const metrics = metricsOf(new Counters(['fra', 'a site with "quotes"']))
    metrics.watchProcess()
    const page = await metrics.render()
    expect(page).toContain('process_cpu_seconds_total')

    const promtool = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' })
    expect({ exitCode: promtool.status, output: promtool.stdout + promtool.stderr }).toEqual({
      exitCode: 0,
      output: '',
    })
  })
})

describe('/metrics of several workers', () => {
  async function sumOf(count: (counters: Counters, worker: number) => void): Promise<string[]> {
    const [owner, listener] = [new Counters(['fra']), new Counters([])]
    count(owner, 0)
    count(listener, 1)
    const readings = await Promise.all([
      metricsOf(owner).read(),
      new Metrics(Object.values(listenerRows), {
        version: '1.2.3',
        counters: listener,
        readGauges: () => ({
          udpDrops: { unreadable: 1, unproven: 2, limited: 4, unsent: 3 },
          logLinesDropped: 4,
        }),
      }).read(),
    ])
    return samples(await Metrics.renderSum(readings))
  }

  test('sums the counters of the owner and the listeners', async () => {
    const lines = await sumOf((counters) => {
      counters.refusal('TRK_TOKEN_WRONG')
      counters.ignoredForwarding()
    })
    expect(lines).toContain('siteswarm_announce_failures_total{code="TRK_TOKEN_WRONG"} 2')
    expect(lines).toContain('siteswarm_untrusted_forwarding_total 2')
    expect(lines).toContain('siteswarm_udp_dropped_total{cause="unproven"} 2')
    expect(lines).toContain('siteswarm_log_lines_dropped_total 4')
  })

  test('has what only the owner counts, and its gauges', async () => {
    const lines = await sumOf((counters, worker) => {
      if (worker === 0) counters.announce(0, 'http', 'started')
      if (worker === 0) counters.duration(0.000_04)
    })
    expect(lines).toContain('siteswarm_announces_total{site="fra",protocol="http",event="started"} 1')
    expect(lines).toContain('siteswarm_announce_duration_seconds_bucket{le="0.00005"} 1')
    expect(lines).toContain('siteswarm_build_info{version="1.2.3"} 1')
    expect(lines).toContain('siteswarm_store_up 1')
  })
})

function metricsOf(counters: Counters): Metrics {
  return new Metrics(metricsTable, { version: '1.2.3', counters, readGauges: () => idle })
}

function samples(page: string): string[] {
  return page.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}
