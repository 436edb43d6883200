/** Responses to a source above its limit of requests: reasons at a low rate, and nothing for the rest of its datagrams. */
import { describe, expect, it } from 'vitest'
import { type Address, parseAddress } from '../../../../src/core/address.ts'
import { assert } from '../../../../src/core/assert.ts'
import { ManualClock } from '../../../../src/core/clock.ts'
import { Refusal, type RefusalCode } from '../../../../src/core/errors.ts'
import { UdpHandler } from '../../../../src/server/udp/udp-handler.ts'
import { readConnectResponse, writeConnect } from '../../../../src/wire/udp/connect.ts'
import { actions } from '../../../../src/wire/udp/header.ts'
import { writeScrape } from '../../../../src/wire/udp/scrape.ts'

const at = (text: string): Address => {
  const address = parseAddress(text)
  assert(address !== undefined, 'the tests write whole addresses')
  return address
}

/** Refuses every request of the addresses that start so. */
function aHandler({ refuses, code = 'TRK_SOURCE_REQUESTS' }: { refuses: string; code?: RefusalCode }) {
  const clock = new ManualClock(1_000_000)
  const answerTo = (from: Address) => {
    if (from.toString().startsWith(refuses)) throw new Refusal(code)
    return []
  }
  const handler = new UdpHandler({
    tracker: {
      announce: () => {
        throw new Error('the tests send scrapes only')
      },
      scrape: (_infoHashes, from) => answerTo(from),
    },
    secrets: { current: () => [Buffer.alloc(32, 'secret')] },
    clock,
    onRefusal: () => undefined,
    log: { error: () => undefined },
  })
  const ids = new Map<string, Buffer>()
  /** The action of the response to a scrape; undefined without one. */
  const scrape = (from: string): number | undefined => {
    const id = ids.get(from) ?? connect(from)
    ids.set(from, id)
    const packet = writeScrape({ connectionId: id, transactionId: 7 }, [Buffer.alloc(20, 'torrent')])
    if (handler.isRefused(at(from))) return undefined
    const response = handler.answer(packet, at(from), 6881)
    assert(!(response instanceof Promise), 'the tracker of the tests answers at once')
    return response?.readUInt32BE(0)
  }
  const connect = (from: string): Buffer => {
    const response = handler.answer(writeConnect(1), at(from), 6881)
    const id = response instanceof Buffer ? readConnectResponse(response) : undefined
    assert(id !== undefined, 'a connect has a response')
    return id
  }
  const scrapes = (from: string, count: number) => Array.from({ length: count }, () => scrape(from))
  return { handler, clock, scrape, scrapes }
}

const tenReasons = Array(10).fill(actions.error)

describe('a source above its limit of requests', () => {
  it('receives the reason ten times in a tenth of a second, and further datagrams have no response', () => {
    const { handler, clock, scrapes } = aHandler({ refuses: '10.0.0.1' })
    expect(scrapes('10.0.0.1', 15)).toEqual([...tenReasons, ...Array(5).fill(undefined)])
    expect(handler.drops).toEqual({ unreadable: 0, unproven: 0, limited: 5 })
    clock.advanceMs(100)
    expect(scrapes('10.0.0.1', 11)).toEqual([...tenReasons, undefined])
  })

  it('is every address of its /64', () => {
    const { scrapes } = aHandler({ refuses: 'fd00:' })
    scrapes('fd00:1:2:3::1', 5)
    expect(scrapes('fd00:1:2:3::2', 6)).toEqual([...Array(5).fill(actions.error), undefined])
    expect(scrapes('fd00:1:2:4::1', 1)).toEqual([actions.error])
  })

  it('does not keep other sources from being answered', () => {
    const { scrape, scrapes } = aHandler({ refuses: '10.0.0.1' })
    scrapes('10.0.0.1', 100)
    expect(scrape('10.0.0.2')).toBe(actions.scrape)
  })

  it('cannot be silenced by datagrams with its address and another connection id', () => {
    const { handler, scrape } = aHandler({ refuses: '10.0.0.1' })
    const forged = writeScrape({ connectionId: Buffer.alloc(8, 9), transactionId: 7 }, [Buffer.alloc(20)])
    for (let count = 0; count < 100; count++) void handler.answer(forged, at('10.0.0.1'), 6881)
    expect(scrape('10.0.0.1')).toBe(actions.error)
  })

  it('receives the reason of any other refusal each time', () => {
    const { scrapes } = aHandler({ refuses: '10.0.0.1', code: 'TRK_TOKEN_WRONG' })
    expect(scrapes('10.0.0.1', 30)).toEqual(Array(30).fill(actions.error))
  })
})
