import { once } from 'node:events'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { StreamPlaces } from '../../../../src/server/admin/events/stream-places.ts'

const ALL = 64

function aHolder(places: StreamPlaces) {
  return (source: string) => {
    const socket = new Socket()
    places.take(socket, source)
    return socket
  }
}

describe('places of event streams', () => {
  it('are 16 for a source', () => {
    const take = aHolder(new StreamPlaces())
    for (let stream = 0; stream < 16; stream++) take('10.0.0.1')
    expect(() => take('10.0.0.1')).toThrow('this address has 16 event streams')
    expect(take('10.0.0.2').destroyed).toBe(false)
  })

  it('are free when the connection closes', async () => {
    const take = aHolder(new StreamPlaces())
    const sockets = Array.from({ length: 16 }, () => take('10.0.0.1'))
    const [first] = sockets as [Socket]
    const closed = once(first, 'close')
    first.destroy()
    await closed
    expect(take('10.0.0.1').destroyed).toBe(false)
    expect(() => take('10.0.0.1')).toThrow('this address has 16 event streams')
  })

  it('are one for a connection', () => {
    const places = new StreamPlaces()
    const socket = aHolder(places)('10.0.0.1')
    expect(() => places.take(socket, '10.0.0.1')).toThrow('one over each connection')
  })

  it('when all are taken, a new stream closes the oldest one of the source with the most', () => {
    const take = aHolder(new StreamPlaces())
    const single = take('10.0.1.1')
    const few = Array.from({ length: 15 }, (_, index) => take(`10.0.1.${10 + index}`))
    const many = Array.from({ length: 48 }, (_, index) => take(`10.0.0.${index % 3}`))
    const [oldest, ...rest] = many as [Socket]
    take('10.0.2.2')
    expect(oldest.destroyed).toBe(true)
    expect([single, ...few, ...rest].filter(({ destroyed }) => destroyed)).toEqual([])
  })

  it('when each source has one, a new one has none', () => {
    const take = aHolder(new StreamPlaces())
    const sockets = Array.from({ length: ALL }, (_, index) => take(`10.0.0.${index}`))
    expect(() => take('10.0.1.1')).toThrow('64 event streams are open')
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([])
  })
})
