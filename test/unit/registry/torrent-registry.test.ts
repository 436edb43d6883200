import { describe, expect, it } from 'vitest'
import { aDownloadServer } from '../../a-download-server.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../a-torrent.ts'

/** The same torrent with another comment. */
const COMMENTED = Buffer.from(PLAIN_TORRENT.toString('latin1').replace('hello', 'howdy'), 'latin1')

describe('a torrent that is registered again', () => {
  it('keeps its time if nothing changed', async () => {
    const { registry, clock } = await aDownloadServer()
    const first = await registry.register(PLAIN_TORRENT, 'http://origin.example/a.txt')
    clock.advanceMs(60_000)
    const again = await registry.register(PLAIN_TORRENT, 'http://origin.example/a.txt')
    const withoutOrigin = await registry.register(PLAIN_TORRENT, undefined)
    expect([again, withoutOrigin].map(({ registration }) => registration)).toEqual([
      first.registration,
      first.registration,
    ])
  })

  it.each([
    ['the bytes outside of info', COMMENTED, 'http://origin.example/a.txt'],
    ['the origin', PLAIN_TORRENT, 'http://other.example/a.txt'],
  ])('is newer, so that all nodes and sites replace theirs, if %s changed', async (_, bytes, origin) => {
    const { registry, clock } = await aDownloadServer()
    const { registration } = await registry.register(PLAIN_TORRENT, 'http://origin.example/a.txt')
    clock.advanceMs(60_000)
    const again = await registry.register(bytes, origin)
    expect(again.isNew).toBe(false)
    expect(again.registration.registeredAtMs).toBe(registration.registeredAtMs + 60_000)
    expect(again.registration.origin).toBe(origin)
  })

  it('is newer also if this clock is behind that of the node that registered it first', async () => {
    const { registry, clock } = await aDownloadServer()
    const { registration } = await registry.register(PLAIN_TORRENT, undefined)
    clock.advanceMs(-60_000)
    const again = await registry.register(COMMENTED, undefined)
    expect(again.registration.registeredAtMs).toBe(registration.registeredAtMs + 1)
  })
})

describe('the number of pieces', () => {
  const infoHash = Buffer.from(PLAIN_INFO_HASH, 'hex')

  it('is kept with the registration, so that no torrent is read for it', async () => {
    const { registry, store } = await aDownloadServer()
    await registry.register(PLAIN_TORRENT, undefined)
    const { reads } = store
    expect([registry.pieces(infoHash), store.reads - reads]).toEqual([1, 0])
  })

  it('is read once from a torrent that was copied into the directory, without a note', async () => {
    const { registry, store } = await aDownloadServer()
    const torrent = { infoHashes: [infoHash], name: 'a.txt', sizeBytes: 5, registeredAtMs: 1, note: '' }
    await store.put(torrent, PLAIN_TORRENT)
    expect(registry.pieces(infoHash)).toBeUndefined()
    await new Promise((resolve) => setImmediate(resolve))
    expect([registry.pieces(infoHash), registry.pieces(infoHash), store.reads]).toEqual([1, 1, 1])
  })

  it('is unknown for a torrent that is not registered', async () => {
    const { registry } = await aDownloadServer()
    expect(registry.pieces(infoHash)).toBeUndefined()
  })
})
