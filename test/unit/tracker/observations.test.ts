/** Handouts and elections that follow what a node observed of its clients between their announces. */
import { expect, test } from 'vitest'
import { at, aTracker, TORRENT, type TestTracker } from '../../a-tracker.ts'

const SOURCE = '127.1.1.1'

/** The source, and time that passes in the steps in which deferred announces are attempted again. */
function aSite() {
  const site = aTracker()
  site.announce(SOURCE, { left: 0 })
  site.observe(SOURCE, { share: 1 })
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      site.clock.advanceMs(500)
      site.tracker.tick()
      await turns()
    }
  }
  return { ...site, pass }
}

/** Responses that became possible are sent in the next turns. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

function gatewaysOf({ table }: TestTracker, siteIndex: number): string[] {
  const site = table.swarm(TORRENT)?.site(siteIndex)
  return (site?.gateways ?? []).map(({ row }) => table.rows.address(row).toString())
}

test('a client that does not accept connections is not handed out, whether it was introduced before or not', () => {
  const { announce, observe, clock } = aSite()
  announce('127.2.1.1')
  announce('127.2.1.2')
  const before = announce('127.2.1.3').peers
  expect(before).toContain('127.2.1.2:6881')
  observe('127.2.1.2', { reachability: 'unreachable' })
  expect(announce('127.2.1.3').peers).not.toContain('127.2.1.2:6881')
  expect(announce('127.2.1.4').peers).not.toContain('127.2.1.2:6881')
  clock.advanceMs(1_000)
  observe('127.2.1.2', { reachability: 'reachable' })
  expect(announce('127.2.1.3').peers).toContain('127.2.1.2:6881')
})

test('an older observation does not replace a later one', () => {
  const { announce, observe, clock } = aSite()
  announce('127.2.1.1')
  announce('127.2.1.2')
  observe('127.2.1.2', { reachability: 'unreachable', observedAtMs: clock.nowMs() })
  observe('127.2.1.2', { reachability: 'reachable', observedAtMs: clock.nowMs() - 1 })
  expect(announce('127.2.1.3').peers).not.toContain('127.2.1.2:6881')
})

// A client that sends nothing after its bitfield otherwise stayed without progress until it announced again.
test('a bitfield is recorded also if it arrived at the time of the dial', () => {
  const { announce, observe, table } = aSite()
  announce('127.2.1.1')
  observe('127.2.1.1', { reachability: 'reachable' })
  observe('127.2.1.1', { share: 0.5 })
  observe('127.2.1.1', { share: undefined })
  const row = table.find(
    table.swarm(TORRENT) as NonNullable<ReturnType<typeof table.swarm>>,
    at('127.2.1.1'),
    6881,
  )
  expect(table.observed.get(row, 0)?.share).toBeCloseTo(0.5, 4)
})

test('a client is dialled before it becomes gateway, and a closed one leaves that to the next', async () => {
  const dialled: string[] = []
  const site: TestTracker = aTracker({
    reachability: {
      check: async ({ address }) => {
        dialled.push(address.toString())
        const reachability = address.toString() === '127.2.1.1' ? 'unreachable' : 'reachable'
        site.observe(address.toString(), { reachability })
      },
    },
  })
  site.announce(SOURCE, { left: 0 })
  const closed = site.announceLater('127.2.1.1')
  await turns()
  expect((await site.announceLater('127.2.1.2')).peers).toContain(`${SOURCE}:6881`)
  expect([dialled, gatewaysOf(site, 1)]).toEqual([['127.2.1.1', '127.2.1.2'], ['127.2.1.2']])
  site.clock.advanceMs(4_000)
  site.tracker.tick()
  expect((await closed).peers).toEqual(['127.2.1.2:6881'])
})

test('a closed client waits for reachable neighbours, and gets more of them than others', async () => {
  const site = aSite()
  site.announce('127.2.1.1')
  site.announce('127.2.1.2')
  site.announce('127.2.1.9')
  site.observe('127.2.1.9', { reachability: 'unreachable' })
  const closed = site.announceLater('127.2.1.9')
  for (const host of [3, 4, 5, 6, 7, 8]) site.announce(`127.2.1.${host}`)
  await site.pass(500)
  expect((await closed).peers.length).toBeGreaterThan(4)
})

test('a closed client becomes gateway after a wait, if its site has no client that accepts connections', async () => {
  const site = aSite()
  // Announced by a datagram, whose response cannot wait.
  site.announce('127.2.1.1', { protocol: 'udp', left: undefined, event: 'paused' })
  site.observe('127.2.1.1', { reachability: 'unreachable' })
  const closed = site.announceLater('127.2.1.1')
  await site.pass(3_500)
  expect(gatewaysOf(site, 1)).toEqual([])
  await site.pass(1_000)
  expect((await closed).peers).toEqual([`${SOURCE}:6881`])
  expect(site.announce('127.2.1.2').peers).toEqual([`${SOURCE}:6881`])
  expect(site.counted.elections.map(({ cause }) => cause)).toEqual(['first', 'unreachable'])
})

test('a gateway whose client is gone loses its lease, and the next to announce replaces it', () => {
  const site = aSite()
  site.announce('127.2.1.1')
  site.announce('127.2.1.2')
  site.observe('127.2.1.1', { isGone: true })
  expect(gatewaysOf(site, 1)).toEqual([])
  expect(site.counted.losses).toEqual([{ site: 1, gateway: '127.2.1.1', cause: 'gone' }])
  expect(site.announce('127.2.1.2').peers).toContain(`${SOURCE}:6881`)
  expect(site.announce('127.2.1.3').peers).not.toContain('127.2.1.1:6881')
})

test('a gateway that stalls loses its lease if its upstream has the pieces, and keeps it if not', () => {
  const site = aSite()
  site.announce('127.2.1.1')
  site.announce('127.2.1.2')
  site.observe('127.2.1.1', { share: 0.4, isStalled: true })
  expect(gatewaysOf(site, 1)).toEqual([])
  expect(site.counted.losses).toEqual([{ site: 1, gateway: '127.2.1.1', cause: 'stalled' }])

  const other = aSite()
  other.announce('127.2.1.1')
  other.announce('127.2.1.2')
  other.announce(SOURCE, { event: 'stopped' })
  other.observe('127.2.1.1', { share: 0.4, isStalled: true })
  expect(gatewaysOf(other, 1)).toEqual(['127.2.1.1'])
})

/** Enough for a standby: see `standbyKibMin` of the policy. */
const LARGE = { left: 500_000_000 }

test('the second leecher of a large torrent stands by, and replaces a gateway that never gets a piece', async () => {
  const site = aSite()
  site.announce('127.2.1.1')
  site.observe('127.2.1.1', { share: 0 })
  const standby = site.announceLater('127.2.1.2', LARGE)
  expect(site.announce('127.2.1.3').peers.length).toBeGreaterThan(0)
  await site.pass(5_500)
  expect(gatewaysOf(site, 1)).toEqual(['127.2.1.1'])
  await site.pass(1_000)
  expect((await standby).peers).toContain(`${SOURCE}:6881`)
  expect(gatewaysOf(site, 1)).toEqual(['127.2.1.2'])
})

test('the standby is answered as soon as the gateway has its first piece', async () => {
  const site = aSite()
  site.announce('127.2.1.1')
  site.observe('127.2.1.1', { share: 0 })
  const standby = site.announceLater('127.2.1.2', LARGE)
  site.announce('127.2.1.3')
  await site.pass(1_000)
  site.observe('127.2.1.1', { share: 0.01 })
  await turns()
  expect((await standby).peers).not.toContain(`${SOURCE}:6881`)
  expect(gatewaysOf(site, 1)).toEqual(['127.2.1.1'])
})

test('a small torrent has no standby', async () => {
  const site = aSite()
  site.announce('127.2.1.1')
  site.observe('127.2.1.1', { share: 0 })
  expect((await site.announceLater('127.2.1.2')).peers.length).toBeGreaterThan(0)
})

test('a seed that lacks pieces does not make its site warm, and announcing again does not help it', () => {
  const { announce, observe, clock, explain } = aSite()
  announce('127.2.1.9', { left: 0 })
  observe('127.2.1.9', { share: 0 })
  expect(announce('127.2.1.1').peers).toContain(`${SOURCE}:6881`)
  clock.advanceMs(400_000)
  announce(SOURCE, { left: 0 })
  announce('127.2.1.9', { left: 0 })
  expect(explain('127.2.1.2')?.decision.state).toBe('filling')
})

test('a client that is seen complete counts as a seed and as one download, and its own announce adds none', () => {
  const { announce, observe, counted, clock } = aSite()
  announce('127.2.1.1')
  observe('127.2.1.1', { share: 1 })
  expect(announce('127.2.1.2')).toMatchObject({ complete: 2, incomplete: 1, downloaded: 1 })
  clock.advanceMs(1_000)
  announce('127.2.1.1', { left: 0, event: 'completed' })
  expect(counted.completions).toEqual([1])
})

test('progress is recorded in tenths, and a retrograde share changes nothing', () => {
  const site = aSite()
  site.announce('127.2.1.1', { left: 1_024_000 })
  const left = () => {
    const swarm = site.table.swarm(TORRENT)
    const row = swarm?.site(1)?.gateways[0]?.row ?? -1
    return site.table.rows.leftKib(row)
  }
  site.observe('127.2.1.1', { share: 0.19 })
  site.clock.advanceMs(1_000)
  expect(left()).toBe(810)
  site.observe('127.2.1.1', { share: 0.15 })
  expect(left()).toBe(810)
  site.clock.advanceMs(1_000)
  site.observe('127.2.1.1', { share: 0.2 })
  expect(left()).toBe(800)
})
