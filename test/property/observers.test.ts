/**
 * Observers among clients that do anything: for any messages, and any order in which clients are added, changed and removed, the
 * limits hold, nothing throws, and a well-behaved client beside them is observed.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { writeBitfield, writeHave } from '../../src/wire/peer/availability.ts'
import { writeHandshake } from '../../src/wire/peer/handshake.ts'
import { HAVE_ALL, HAVE_NONE, INTERESTED, KEEP_ALIVE } from '../../src/wire/peer/message.ts'
import { bytes } from '../broken-targets.ts'
import { aClient, anEngine, INFO_HASH, LIBTORRENT } from '../scripted-clients.ts'

const CONNECTIONS = 6
const message = fc.oneof(
  fc.nat({ max: 20 }).map(writeHave),
  bytes(0, 3).map(writeBitfield),
  fc.constantFrom(KEEP_ALIVE, INTERESTED, HAVE_ALL, HAVE_NONE),
  fc.constant(writeHandshake(INFO_HASH, LIBTORRENT)),
  bytes(1, 30),
)
const client = fc.nat({ max: 9 })
const step = fc.oneof(
  fc.record({
    kind: fc.constant('update' as const),
    client,
    priority: fc.constantFrom('gateway', 'source', 'near-completion', 'stalled', 'other'),
    isAnnouncedComplete: fc.boolean(),
    pieces: fc.constantFrom(undefined, 16),
  }),
  fc.record({ kind: fc.constant('check' as const), client }),
  fc.record({ kind: fc.constant('remove' as const), client }),
  fc.record({
    kind: fc.constant('port' as const),
    client,
    port: fc.constantFrom('open', 'closed', 'silent', 'no-socket'),
  }),
  fc.record({ kind: fc.constant('send' as const), client, messages: fc.array(message, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constant('end' as const),
    client,
    end: fc.constantFrom('closed', 'silent', 'refused', 'local'),
  }),
  fc.record({ kind: fc.constant('run' as const), ms: fc.constantFrom(50, 1_000, 6_000) }),
)

it('stay within their limits among clients that do anything', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { observers, network, observations, run, of } = anEngine({ connections: CONNECTIONS })
      const good = aClient(100, { priority: 'gateway', pieces: 16, infoHash: Buffer.alloc(20, 1) })
      network.onAccept = (socket) => {
        if (!socket.to.startsWith('10.1.0.100:')) return
        socket.send(writeHandshake(good.infoHash, LIBTORRENT), writeBitfield(Buffer.from([0xff, 0])))
      }
      observers.update(good)
      for (const each of steps) {
        if (each.kind === 'run') run(each.ms)
        else if (each.kind === 'update') {
          const { client: n, priority, isAnnouncedComplete, pieces } = each
          observers.update(aClient(n, { priority, isAnnouncedComplete, pieces }))
        } else if (each.kind === 'check') void observers.checkReachability(aClient(each.client), 250)
        else if (each.kind === 'remove') observers.remove(aClient(each.client))
        else if (each.kind === 'port') network.set(aClient(each.client), each.port)
        else {
          for (const socket of network.to(aClient(each.client))) {
            if (!socket.isOpen || socket.isDestroyed) continue
            if (each.kind === 'send') socket.send(...each.messages)
            else socket.end(each.end)
          }
        }
        expect(observers.connections).toBeLessThanOrEqual(CONNECTIONS)
        // A probe is a second connection to a vital client, of which there are at most as many as connections.
        expect(network.open.length).toBeLessThanOrEqual(2 * CONNECTIONS)
      }
      run(20_000)
      expect(of(good)).toMatchObject({ reachability: 'reachable', share: 0.5, isGone: false })
      for (const { share, isComplete } of observations) {
        if (share !== undefined) expect(share >= 0 && share <= 1).toBe(true)
        if (isComplete) expect(share).toBe(1)
        if (share === 1) expect(isComplete).toBe(true)
      }
      observers.stop()
      expect(network.open).toHaveLength(0)
      expect(observers.connections).toBe(0)
    }),
    { numRuns: 1_000 },
  )
})
