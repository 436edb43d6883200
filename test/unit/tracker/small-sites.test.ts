/** Sites so small that every peer would be connected to every other: libtorrent then waits a minute for one piece. */
import { expect, test } from 'vitest'
import { type Announcement, aTracker, type Response, type TestTracker } from '../../a-tracker.ts'

const libtorrent = { client: '-LT2080-' }
const SOURCE = '127.1.1.1'
const [FIRST, SECOND, THIRD] = ['127.2.1.1', '127.2.1.2', '127.2.1.3'] as const

/** An announce whose response may be deferred. `peers`: undefined until there is a response. */
interface Waiting {
  peers: readonly string[] | undefined
}

/** A source in another site, and leechers that announce one after the other. */
function aSiteOf(leechers: number, announcement: Announcement = {}) {
  const tracker = aTracker()
  tracker.announce(SOURCE, { ...libtorrent, left: 0 })
  const handedOut: Waiting[] = []
  for (let host = 1; host <= leechers; host++)
    handedOut.push(begin(tracker, `127.2.1.${host}`, { ...libtorrent, ...announcement }))
  return { ...tracker, handedOut, pass: (seconds: number) => pass(tracker, seconds) }
}

function begin(tracker: TestTracker, from: string, announcement: Announcement): Waiting {
  const waiting: Waiting = { peers: undefined }
  const note = ({ peers }: Response) => void (waiting.peers = peers)
  void tracker.announceLater(from, announcement).then(note)
  return waiting
}

/** Time passes in the steps in which deferred announces are attempted again. */
async function pass({ clock, tracker }: TestTracker, seconds: number): Promise<void> {
  for (let passedMs = 0; passedMs < seconds * 1000; passedMs += 500) {
    clock.advanceMs(500)
    tracker.tick()
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
}

const peersOf = (handedOut: readonly Waiting[]) => handedOut.map(({ peers }) => peers)

test('the second leecher of a site is answered when the first is complete, which has not met it then', async () => {
  const { announce, handedOut, pass } = aSiteOf(2)
  await pass(20)
  expect(peersOf(handedOut)).toEqual([[`${SOURCE}:6881`], undefined])
  expect(announce(FIRST, { ...libtorrent, left: 0, event: 'completed' }).peers).toEqual([`${SECOND}:6881`])
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${FIRST}:6881`])
})

// Its completion was announced, and its last observation was of the moment before.
test('it does not become gateway between the completion of the first and its observation', async () => {
  const { announce, counted, handedOut, observe, pass } = aSiteOf(2)
  observe(SOURCE, { share: 1 })
  observe(FIRST, { share: 0.98 })
  await pass(3)
  announce(FIRST, { ...libtorrent, left: 0, event: 'completed' })
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${FIRST}:6881`])
  expect(counted.elections.map(({ cause }) => cause)).toEqual(['first'])
})

test('it waits for 24 s at most, and is handed the gateway then', async () => {
  const { handedOut, pass } = aSiteOf(2)
  await pass(23.5)
  expect(handedOut[1]?.peers).toBeUndefined()
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${FIRST}:6881`])
})

test('it replaces a gateway that is lost meanwhile, at once', async () => {
  const { handedOut, observe, pass } = aSiteOf(2)
  await pass(3)
  observe(FIRST, { isGone: true })
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${SOURCE}:6881`])
})

test('a datagram, whose response cannot be deferred, is answered with the gateway', async () => {
  const { handedOut, pass } = aSiteOf(2, { protocol: 'udp' })
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${FIRST}:6881`])
})

test('a gateway that announces again, as clients with two trackers do at once, is not handed it either', () => {
  const { announce } = aSiteOf(2)
  expect(announce(FIRST, libtorrent).peers).toEqual([`${SOURCE}:6881`])
})

test('a gateway without any peer to fetch from is handed it', () => {
  const { announce } = aSiteOf(2)
  announce(SOURCE, { ...libtorrent, event: 'stopped' })
  expect(announce(FIRST, libtorrent).peers).toEqual([`${SECOND}:6881`])
})

test('of three leechers the third is handed the gateway alone, so that neither meets the second', async () => {
  const { announce, handedOut, pass } = aSiteOf(3)
  await pass(1)
  expect(peersOf(handedOut)).toEqual([[`${SOURCE}:6881`], undefined, [`${FIRST}:6881`]])
  announce(FIRST, { ...libtorrent, left: 0, event: 'completed' })
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${FIRST}:6881`])
  expect(announce(SECOND, { ...libtorrent, left: 0, event: 'completed' }).peers).toContain(`${THIRD}:6881`)
})

test('the fourth leecher joins the second and the third', async () => {
  const { handedOut, pass } = aSiteOf(4)
  await pass(0.5)
  expect(handedOut[3]?.peers?.toSorted()).toEqual([`${SECOND}:6881`, `${THIRD}:6881`])
  expect(handedOut[1]?.peers).toContain('127.2.1.4:6881')
})

test('a leecher that announces again without any peer is not kept in reserve any more', () => {
  const { announce, clock } = aSiteOf(2)
  clock.advanceMs(200_000)
  announce(SOURCE, { ...libtorrent, left: 0 })
  expect(announce(SECOND, libtorrent).peers).toEqual([`${FIRST}:6881`])
})

test('the second leecher beside a seed of its own site is not kept in reserve', () => {
  const { announce } = aTracker()
  announce('127.2.1.1', { ...libtorrent, left: 0 })
  announce('127.2.1.2', { ...libtorrent, left: 0 })
  const seeds = ['127.2.1.1:6881', '127.2.1.2:6881']
  for (const host of [3, 4, 5]) {
    const { peers } = announce(`127.2.1.${host}`, libtorrent)
    expect(peers.filter((peer) => seeds.includes(peer)).length).toBeGreaterThan(0)
  }
})

test('the only source of a rollout is reserved for the other sites', async () => {
  const tracker = aTracker()
  tracker.announce(SOURCE, { ...libtorrent, left: 0 })
  expect(tracker.announce('127.1.1.2', libtorrent).peers).toEqual([`${SOURCE}:6881`])
  const second = begin(tracker, '127.1.1.3', libtorrent)
  await pass(tracker, 24)
  expect(second.peers).toEqual(['127.1.1.2:6881'])
})

test('no leecher is kept in reserve for a file that takes longer than the minute that it would save', async () => {
  const { handedOut, pass } = aSiteOf(2, { left: 513 * 2 ** 20 })
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${FIRST}:6881`])
})

test('a leecher without left is not kept in reserve', async () => {
  const { handedOut, pass } = aSiteOf(2, { left: undefined })
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${FIRST}:6881`])
})

test('a client that does not disconnect finishers is not kept in reserve', async () => {
  const { handedOut, pass } = aSiteOf(2, { client: 'A2-1-36-' })
  await pass(0.5)
  expect(handedOut[1]?.peers).toEqual([`${FIRST}:6881`])
})
