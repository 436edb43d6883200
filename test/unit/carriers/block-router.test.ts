import { describe, expect, it } from 'vitest'
import { BlockCache, SiteBlocks, TorrentBlocks } from '../../../src/carriers/block-cache.ts'
import { BlockRouter } from '../../../src/carriers/block-router.ts'
import type { Holder, HolderKind, Requester } from '../../../src/carriers/holder.ts'
import { UnprovenBlocks } from '../../../src/carriers/unproven-blocks.ts'
import type { Block } from '../../../src/wire/peer/block.ts'
import { Content } from '../../simulated-peers.ts'

const CONTENT = new Content({ totalBytes: 8 * 65_536, pieceBytes: 65_536 })

class FakeHolder implements Holder {
  readonly name: string
  readonly kind: HolderKind
  isReady = true
  outstandingMax = 100
  readonly asked: Block[] = []
  readonly cancelled: Block[] = []
  readonly pieces: (piece: number) => boolean

  constructor(kind: HolderKind, pieces: (piece: number) => boolean = () => true) {
    this.kind = kind
    this.name = kind
    this.pieces = pieces
  }

  has(piece: number): boolean {
    return this.pieces(piece)
  }

  request(block: Block): void {
    this.asked.push(block)
  }

  cancel(block: Block): void {
    this.cancelled.push(block)
  }
}

class FakeRequester implements Requester {
  readonly delivered: Block[] = []
  readonly refused: Block[] = []
  readonly data: Buffer[] = []

  deliver(block: Block, data: Buffer): void {
    this.delivered.push(block)
    this.data.push(data)
  }

  refuse(block: Block): void {
    this.refused.push(block)
  }
}

function aRouter({ isRegistered = true, cacheBytes = 10_000_000 } = {}) {
  const memory = new BlockCache(cacheBytes)
  const cache = new SiteBlocks(new TorrentBlocks(memory))
  const now = { ms: 0 }
  const events: string[] = []
  const router = new BlockRouter({
    geometry: isRegistered ? CONTENT.geometry : undefined,
    cache,
    unproven: new UnprovenBlocks(
      () => now.ms,
      () => {},
    ),
    nowMs: () => now.ms,
    events: {
      onPiece: (piece) => {
        events.push(`piece ${piece}`)
        cache.release(piece)
      },
      onInvalid: (piece) => events.push(`invalid ${piece}`),
      onLiar: (holder, piece) => events.push(`liar ${holder.name} ${piece}`),
      onChoked: (piece) => events.push(`choked ${piece}`),
      onReceived: () => {},
      onUnrequested: (holder) => events.push(`unrequested ${holder.name}`),
    },
  })
  const answer = (holder: FakeHolder, block: Block, isWrong = false) => {
    const data = Buffer.from(CONTENT.block(block))
    if (isWrong) data[5] = (data[5] as number) ^ 1
    router.received(holder, block, data)
  }
  return { router, memory, now, events, answer }
}

const block = (piece: number, index: number) => CONTENT.geometry.block(piece, index)

describe('the router', () => {
  it('fetches a whole piece for one block, and passes each block on as it arrives', () => {
    const { router, answer, events } = aRouter()
    const source = new FakeHolder('source')
    const client = new FakeRequester()
    router.addHolder(source)
    router.request(client, block(2, 1))
    expect(source.asked).toEqual([0, 1, 2, 3].map((index) => block(2, index)))
    answer(source, block(2, 1))
    expect(client.data[0]?.equals(CONTENT.block(block(2, 1)))).toBe(true)
    for (const index of [0, 2, 3]) answer(source, block(2, index))
    expect(events).toEqual(['piece 2'])
  })

  it('passes on the last block of a piece only after the check of the piece', () => {
    const { router, answer, events } = aRouter()
    const source = new FakeHolder('source')
    const client = new FakeRequester()
    router.addHolder(source)
    for (let index = 0; index < 4; index++) router.request(client, block(0, index))
    answer(source, block(0, 0), true)
    for (const index of [1, 2, 3]) answer(source, block(0, index))
    expect(client.delivered).toEqual([block(0, 0), block(0, 1), block(0, 2)])
    expect(events).toEqual(['invalid 0', 'liar source 0'])
  })

  it('finds the wrong one of two holders by fetching the piece again from one of them', () => {
    const { router, answer, events } = aRouter()
    const [honest, liar] = [new FakeHolder('source'), new FakeHolder('source')]
    Object.assign(liar, { name: 'other' })
    const client = new FakeRequester()
    router.addHolder(honest)
    router.addHolder(liar)
    router.request(client, block(0, 3))
    for (const asked of honest.asked.splice(0)) answer(honest, asked)
    for (const asked of liar.asked.splice(0)) answer(liar, asked, true)
    expect(events).toEqual(['invalid 0'])
    const [alone, idle] = honest.asked.length > 0 ? [honest, liar] : [liar, honest]
    expect(alone.asked).toHaveLength(4)
    expect(idle.asked).toHaveLength(0)
    for (const asked of alone.asked.splice(0)) answer(alone, asked, alone === liar)
    expect(events).toContain('liar other 0')
  })

  it('joins a request to the same block on its way', () => {
    const { router, answer } = aRouter({ isRegistered: false })
    const source = new FakeHolder('source')
    const clients = [new FakeRequester(), new FakeRequester()]
    router.addHolder(source)
    for (const client of clients) router.request(client, block(0, 0))
    expect(source.asked).toHaveLength(1)
    answer(source, block(0, 0))
    for (const client of clients) expect(client.delivered).toEqual([block(0, 0)])
  })

  it('answers a later request from the cache', () => {
    const { router, answer } = aRouter({ isRegistered: false })
    const source = new FakeHolder('source')
    const client = new FakeRequester()
    router.addHolder(source)
    router.request(new FakeRequester(), block(0, 0))
    answer(source, block(0, 0))
    router.request(client, block(0, 0))
    expect(source.asked).toHaveLength(1)
    expect(client.delivered).toEqual([block(0, 0)])
  })

  it('requests from the holder with the fewest outstanding requests', () => {
    const { router } = aRouter()
    const holders = [new FakeHolder('source'), new FakeHolder('source')]
    for (const holder of holders) router.addHolder(holder)
    router.fetchAhead(0)
    router.fetchAhead(1)
    expect(holders.map(({ asked }) => asked.length)).toEqual([4, 4])
  })

  it('requests no more than a holder takes', () => {
    const { router, answer } = aRouter()
    const source = new FakeHolder('source')
    source.outstandingMax = 2
    router.addHolder(source)
    router.fetchAhead(0)
    expect(source.asked).toHaveLength(2)
    answer(source, block(0, 0))
    expect(source.asked).toHaveLength(3)
  })

  it('requests the blocks of a holder that left from another one', () => {
    const { router } = aRouter()
    const [first, second] = [new FakeHolder('source'), new FakeHolder('source')]
    router.addHolder(first)
    router.fetchAhead(0)
    router.addHolder(second)
    router.removeHolder(first)
    expect(second.asked).toHaveLength(4)
  })

  it('requests the blocks of a holder that sends nothing from another one', () => {
    const { router, now } = aRouter()
    const [first, second] = [new FakeHolder('source'), new FakeHolder('source')]
    router.addHolder(first)
    router.fetchAhead(0)
    router.addHolder(second)
    now.ms = 11_000
    router.tick()
    expect(second.asked).toHaveLength(0)
    now.ms = 12_000
    router.tick()
    expect(second.asked).toHaveLength(4)
    expect(first.cancelled).toHaveLength(4)
  })

  it('uses the block of a holder that is late, and cancels it at the other one', () => {
    const { router, now, answer, events } = aRouter()
    const [first, second] = [new FakeHolder('source'), new FakeHolder('source')]
    const client = new FakeRequester()
    router.addHolder(first)
    router.request(client, block(0, 0))
    router.addHolder(second)
    now.ms = 12_000
    router.tick()
    answer(first, block(0, 0))
    expect(client.delivered).toEqual([block(0, 0)])
    expect(second.cancelled).toEqual([block(0, 0)])
    answer(second, block(0, 0))
    expect(events).toEqual(['unrequested source'])
  })

  it('uses the blocks that a holder sends after it choked the node', () => {
    const { router, answer } = aRouter()
    const source = new FakeHolder('source')
    const client = new FakeRequester()
    router.addHolder(source)
    router.request(client, block(0, 0))
    source.isReady = false
    router.choked(source)
    answer(source, block(0, 0))
    expect(client.delivered).toEqual([block(0, 0)])
    source.isReady = true
    router.ready(source)
    expect(source.asked.filter(({ begin }) => begin === 0)).toHaveLength(1)
  })

  it('waits half a minute for hosts that choke before it fetches a piece a second time', () => {
    const { router, answer, now } = aRouter({ cacheBytes: 2 * 65_536 })
    const source = new FakeHolder('source')
    router.addHolder(source)
    for (const piece of [0, 1, 2]) {
      router.fetchAhead(piece)
      for (const asked of source.asked.splice(0)) answer(source, asked)
    }
    const host = new FakeHolder('host')
    host.isReady = false
    router.addHolder(host)
    router.request(new FakeRequester(), block(0, 0))
    now.ms = 29_000
    router.tick()
    expect(source.asked).toHaveLength(0)
    now.ms = 30_000
    router.tick()
    expect(source.asked).toHaveLength(4)
  })

  it('asks another site only for a piece that no client of the site has', () => {
    const { router } = aRouter()
    const site = new FakeHolder('site')
    const host = new FakeHolder('host', (piece) => piece === 1)
    router.addHolder(site)
    router.addHolder(host)
    router.fetchAhead(0)
    router.fetchAhead(1)
    expect(site.asked.map(({ piece }) => piece)).toEqual([0, 0, 0, 0])
    expect(host.asked.map(({ piece }) => piece)).toEqual([1, 1, 1, 1])
  })

  it('waits for a host that chokes before it asks another site', () => {
    const { router, now, events } = aRouter()
    const site = new FakeHolder('site')
    const host = new FakeHolder('host')
    host.isReady = false
    router.addHolder(site)
    router.addHolder(host)
    router.fetchAhead(0)
    expect(events).toEqual(['choked 0'])
    now.ms = 4_000
    router.tick()
    expect(site.asked).toHaveLength(0)
    now.ms = 5_000
    router.tick()
    expect(site.asked).toHaveLength(4)
  })

  it('requests at once when the host unchokes the node', () => {
    const { router } = aRouter()
    const host = new FakeHolder('host')
    host.isReady = false
    router.addHolder(host)
    router.fetchAhead(0)
    host.isReady = true
    router.ready(host)
    expect(host.asked).toHaveLength(4)
  })

  it('takes a piece that was fetched before from a host instead of the source', () => {
    const { router, answer, memory } = aRouter({ cacheBytes: 2 * 65_536 })
    const source = new FakeHolder('source')
    router.addHolder(source)
    router.fetchAhead(0)
    for (const asked of source.asked.splice(0)) answer(source, asked)
    router.fetchAhead(1)
    for (const asked of source.asked.splice(0)) answer(source, asked)
    router.fetchAhead(2)
    expect(memory.bytes).toBeLessThanOrEqual(2 * 65_536)
    for (const asked of source.asked.splice(0)) answer(source, asked)
    const host = new FakeHolder('host')
    router.addHolder(host)
    router.request(new FakeRequester(), block(0, 0))
    expect(host.asked).toHaveLength(4)
    expect(source.asked).toHaveLength(0)
  })

  it('keeps requests for further pieces waiting while held pieces fill the cache', () => {
    const { router, answer } = aRouter({ cacheBytes: 2 * 65_536 })
    const source = new FakeHolder('source')
    const client = new FakeRequester()
    router.addHolder(source)
    router.request(client, block(0, 0))
    router.request(client, block(1, 0))
    expect(new Set(source.asked.map(({ piece }) => piece))).toEqual(new Set([0]))
    for (const asked of source.asked.splice(0)) answer(source, asked)
    expect(new Set(source.asked.map(({ piece }) => piece))).toEqual(new Set([1]))
  })

  it('rejects a request outside of the torrent, and one across two blocks', () => {
    const { router } = aRouter()
    const client = new FakeRequester()
    expect(router.request(client, { piece: 8, begin: 0, length: 16_384 })).toBe('out-of-range')
    expect(router.request(client, { piece: 0, begin: 65_536, length: 1 })).toBe('out-of-range')
    expect(router.request(client, { piece: 0, begin: 8_192, length: 16_384 })).toBe('out-of-range')
    expect(router.request(client, { piece: 0, begin: 8_192, length: 8_192 })).toBe('accepted')
  })

  it('requests and delivers nothing on hold, and everything afterwards', () => {
    const { router, answer } = aRouter()
    const source = new FakeHolder('source')
    const client = new FakeRequester()
    router.addHolder(source)
    router.request(client, block(0, 0))
    router.setHold(true)
    expect(source.cancelled).toHaveLength(4)
    router.request(client, block(1, 0))
    expect(router.fetchAhead(2)).toBe(false)
    router.tick()
    expect(source.asked.splice(0)).toHaveLength(4)
    router.setHold(false)
    for (const asked of source.asked.splice(0)) answer(source, asked)
    expect(client.delivered).toEqual([block(0, 0), block(1, 0)])
  })

  it('does not deliver a cancelled block, and keeps it for later requests', () => {
    const { router, answer } = aRouter({ isRegistered: false })
    const source = new FakeHolder('source')
    const [first, second] = [new FakeRequester(), new FakeRequester()]
    router.addHolder(source)
    router.request(first, block(0, 0))
    router.cancel(first, block(0, 0))
    answer(source, block(0, 0))
    router.request(second, block(0, 0))
    expect(first.delivered).toEqual([])
    expect(second.delivered).toEqual([block(0, 0)])
    expect(source.asked).toHaveLength(1)
  })
})
