/** Server-sent events of the admin API: the whole state, then changes, and again from where a client was interrupted. */
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../src/core/clock.ts'
import { type Entry, EventFeed, type EventSources } from '../../../../src/server/admin/events/event-feed.ts'
import { eventStream } from '../../../../src/server/admin/events/event-stream.ts'
import { anAdmin } from '../../../an-admin.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../../a-torrent.ts'

interface Event {
  readonly event: string | undefined
  readonly id: string | undefined
  readonly data: unknown
}

/** As a browser reads them. */
function parse(text: string): Event[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1]
      const data = field('data')
      return {
        event: field('event'),
        id: field('id'),
        data: data === undefined ? undefined : JSON.parse(data),
      }
    })
}

/** A feed of sites that the test sets. */
function aFeed(log: string[] = []) {
  const sites = new Map<string, unknown>()
  const none = () => []
  const sources: EventSources = {
    node: none,
    site: () => [...sites].map(([key, value]): Entry => [key, value]),
    torrent: none,
    rollout: none,
    swarm: none,
  }
  const feed = new EventFeed({
    sources,
    clock: new ManualClock(),
    log: { debug: ({ event }) => void log.push(event), info() {}, warn() {}, error() {} },
  })
  return { feed, sites, sources }
}

/** Reads the stream until the next event would have to wait. */
async function open(feed: EventFeed, lastEventId?: string) {
  const closed = new AbortController()
  const stream = eventStream(feed, { kinds: ['site'], lastEventId, signal: closed.signal })
  const next = async (count: number) => {
    const events: Event[] = []
    while (events.length < count) {
      const { value, done } = await stream.next()
      if (done === true) break
      events.push(...parse(value))
    }
    return events
  }
  return { next, close: () => closed.abort(), stream }
}

describe('a stream of events', () => {
  it('begins with the whole state, and continues with each change', async () => {
    const { feed, sites } = aFeed()
    sites.set('fra', { state: 'here' }).set('ams', { state: 'up' })
    const { next } = await open(feed)
    expect((await next(4)).map(({ event, data }) => [event, data])).toEqual([
      ['reset', {}],
      ['site', { key: 'fra', value: { state: 'here' } }],
      ['site', { key: 'ams', value: { state: 'up' } }],
      ['live', {}],
    ])
    sites.set('ams', { state: 'down' })
    sites.delete('fra')
    await feed.poll()
    expect((await next(2)).map(({ data }) => data)).toEqual([
      { key: 'ams', value: { state: 'down' } },
      { key: 'fra', value: null },
    ])
    feed.stop()
  })

  it('continues after the last event of an interrupted one, without the state', async () => {
    const { feed, sites } = aFeed()
    sites.set('fra', 1)
    const first = await open(feed)
    await first.next(3)
    sites.set('fra', 2)
    await feed.poll()
    const [event] = await first.next(1)
    first.close()
    sites.set('fra', 3)
    await feed.poll()
    const second = await open(feed, event?.id)
    expect((await second.next(1)).map(({ data }) => data)).toEqual([{ key: 'fra', value: 3 }])
    feed.stop()
  })

  it.each([
    ['of another process', '0-1'],
    ['that is not an id', 'x'],
    ['of the future', undefined],
  ])('begins with the state after an id %s', async (_case, id) => {
    const { feed, sites } = aFeed()
    sites.set('fra', 1)
    await feed.poll()
    const { next } = await open(feed, id ?? feed.idOf(99))
    expect((await next(1))[0]?.event).toBe('reset')
    feed.stop()
  })

  it('begins again with the state when it missed more changes than are kept', async () => {
    const { feed, sites } = aFeed()
    const { next } = await open(feed)
    await next(2)
    for (let round = 0; round < 11; round++) {
      for (let site = 0; site < 1_000; site++) sites.set(`site-${site}`, round)
      await feed.poll()
    }
    const events = await next(1_002)
    expect([events[0]?.event, events.at(-1)?.event, events.length]).toEqual(['reset', 'live', 1_002])
    expect(events[1]?.data).toEqual({ key: 'site-0', value: 10 })
    feed.stop()
  })

  it('asks for the whole state again if it is interrupted within it', async () => {
    const { feed, sites } = aFeed()
    sites.set('fra', 1)
    const { next } = await open(feed)
    // A browser drops its last id at an empty one.
    expect((await next(1))[0]).toMatchObject({ event: 'reset', id: '' })
    feed.stop()
  })

  it('keeps the entries of a source that fails, and logs it', async () => {
    const log: string[] = []
    const { feed, sites, sources } = aFeed(log)
    sites.set('fra', 1)
    await feed.poll()
    const failing = { ...sources, torrent: () => Promise.reject(new Error('the store is down')) }
    const other = new EventFeed({
      sources: failing,
      clock: new ManualClock(),
      log: { debug: ({ event }) => void log.push(event), info() {}, warn() {}, error() {} },
    })
    await other.poll()
    expect([...other.entries('site')]).toEqual([['fra', '1']])
    expect(log).toEqual(['events-read-failed'])
  })
})

describe('GET /api/v1/events', () => {
  async function read(
    url: string,
    until: (text: string) => boolean,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const stop = new AbortController()
    const response = await fetch(url, { headers, signal: stop.signal })
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      if (until(text)) break
    }
    stop.abort()
    return { response, events: parse(text) }
  }

  it('has the node, the sites, the registered torrents and the swarms', async () => {
    const { url, call, site } = await anAdmin()
    await call('POST', '', PLAIN_TORRENT)
    site.announce('127.1.1.1', { left: 0 })
    const { response, events } = await read(`${url}/api/v1/events`, (text) => text.includes('event: live'))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const keys = events.map(({ event, data }) => `${event} ${(data as { key?: string }).key ?? ''}`)
    expect(keys).toEqual([
      'reset ',
      'node node',
      'site fra',
      'site ams',
      'site nyc',
      `torrent ${PLAIN_INFO_HASH}`,
      `rollout ${PLAIN_INFO_HASH}`,
      `swarm ${Buffer.alloc(20, 'torrent').toString('hex')}`,
      'live ',
    ])
  })

  it('has the rollouts, and each change of them after the last event of an interrupted stream', async () => {
    const { url, call, site, rollouts } = await anAdmin()
    await call('POST', '', PLAIN_TORRENT)
    const path = `${url}/api/v1/events?kind=rollout`
    const first = await read(path, (text) => text.includes('event: live'))
    expect(first.events.map(({ event }) => event)).toEqual(['reset', 'rollout', 'live'])
    expect(first.events[1]?.data).toMatchObject({
      key: PLAIN_INFO_HASH,
      value: { infoHash: PLAIN_INFO_HASH, name: 'a.txt', state: 'waiting', hosts: { seen: 0 } },
    })
    const torrent = Buffer.from(PLAIN_INFO_HASH, 'hex')
    site.announce('127.2.1.1', { torrent, left: 5, event: 'started' })
    site.clock.advanceMs(1_000)
    rollouts.tick()
    const headers = { 'last-event-id': first.events[2]?.id ?? '' }
    const second = await read(path, (text) => text.includes('event: rollout'), headers)
    expect(second.events[0]).toMatchObject({
      event: 'rollout',
      data: { key: PLAIN_INFO_HASH, value: { state: 'running', hosts: { seen: 1, complete: 0 } } },
    })
    await call('DELETE', `/${PLAIN_INFO_HASH}`)
    rollouts.tick()
    const third = await read(path, (text) => text.includes('event: rollout'), {
      'last-event-id': second.events[0]?.id ?? '',
    })
    expect(third.events[0]?.data).toMatchObject({ value: { isRegistered: false } })
  })

  it('has only the kinds that are asked for', async () => {
    const { url } = await anAdmin()
    const { events } = await read(`${url}/api/v1/events?kind=node`, (text) => text.includes('event: live'))
    expect(events.map(({ event }) => event)).toEqual(['reset', 'node', 'live'])
  })

  it('rejects a kind that does not exist', async () => {
    const { get } = await anAdmin()
    expect(await get('/api/v1/events?kind=peers')).toMatchObject({
      status: 400,
      body: { code: 'kind-unknown' },
    })
    expect(await get('/api/v1/events?sort=1')).toMatchObject({
      status: 400,
      body: { code: 'parameter-unknown' },
    })
  })
})
