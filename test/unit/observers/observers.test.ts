import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../../src/core/address.ts'
import { OBSERVED_CLIENTS_MAX } from '../../../src/core/limits.ts'
import { HAVE_ALL, KEEP_ALIVE, startMessage } from '../../../src/wire/peer/message.ts'
import { writeBitfield, writeHave } from '../../../src/wire/peer/availability.ts'
import { writeHandshake } from '../../../src/wire/peer/handshake.ts'
import { aClient, anEngine, INFO_HASH, LIBTORRENT, START_MS, TRANSMISSION } from '../../scripted-clients.ts'

const FULL = [0xff, 0xff]
const HALF = [0xff, 0x00]

describe('the reachability of a client', () => {
  it('is known once it accepts a connection, also where it closes the connection at once', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1)
    network.onAccept = (socket) => socket.end()
    observers.update(client)
    run(100)
    expect(of(client)).toMatchObject({ reachability: 'reachable', share: undefined, isGone: false })
    expect(observers.counters.observations).toMatchObject({ reachable: 1, closed: 1 })
  })

  it('is unreachable where its port is closed', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1)
    network.set(client, 'closed')
    observers.update(client)
    run(100)
    expect(of(client)).toMatchObject({ reachability: 'unreachable', isGone: false })
    expect(observers.counters.observations.refused).toBe(1)
  })

  it('is unreachable where nothing answers for the time of two retransmissions', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1)
    network.set(client, 'silent')
    observers.update(client)
    run(3_400)
    expect(of(client).reachability).toBe('unknown')
    run(300)
    expect(of(client)).toMatchObject({ reachability: 'unreachable', isGone: false })
    expect(observers.counters.observations.silent).toBe(1)
  })

  it('stays unknown where only the node itself could not dial', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1)
    network.set(client, 'no-socket')
    observers.update(client)
    run(1_000)
    expect(of(client).reachability).toBe('unknown')
    expect(observers.counters.observations['no-socket']).toBe(1)
  })

  it('is checked again ever more rarely while the port is closed', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1)
    network.set(client, 'closed')
    observers.update(client)
    run(60_000)
    expect(network.to(client).length).toBeGreaterThanOrEqual(4)
    expect(network.to(client).length).toBeLessThanOrEqual(5)
    network.set(client, 'open')
    run(60_000)
    expect(of(client).reachability).toBe('reachable')
  })

  it('is checked at once when an unreachable client announces again', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1)
    network.set(client, 'closed')
    observers.update(client)
    run(100_000)
    network.set(client, 'open')
    observers.update({ ...client, announcedMs: START_MS + 100_000 })
    run(100)
    expect(of(client).reachability).toBe('reachable')
  })

  it('is not checked again by an announce within five seconds, nor by another update', () => {
    const { observers, network, run } = anEngine()
    const client = aClient(1)
    network.set(client, 'closed')
    observers.update(client)
    run(100)
    observers.update({ ...client, announcedMs: START_MS + 100 })
    run(100)
    observers.update({ ...client, announcedMs: START_MS + 200 })
    run(100)
    expect(network.to(client)).toHaveLength(1)
    run(42_000)
    const dials = network.to(client).length
    observers.update({ ...client, announcedMs: START_MS + 200, isAnnouncedComplete: true })
    run(100)
    expect(network.to(client)).toHaveLength(dials)
  })

  it('is not judged by a dial during which the node itself was suspended', () => {
    const { clock, observers, network, run, of } = anEngine()
    const client = aClient(1)
    observers.update(client)
    clock.advanceMs(50)
    observers.tick()
    clock.advanceMs(30_000)
    observers.tick()
    network.deliver()
    run(50)
    expect(of(client).reachability).toBe('reachable')
    expect(observers.counters.observations.silent).toBe(0)
  })

  it('is known for clients with an IPv6 address', () => {
    const { observers, network, run, of } = anEngine()
    const address = parseAddress('fd00::7')
    if (address === undefined) throw new Error('the address is valid')
    const client = aClient(1, { address })
    observers.update(client)
    run(100)
    expect(network.sockets.map(({ to }) => to)).toEqual(['fd00::7:6881'])
    expect(of(client).reachability).toBe('reachable')
  })
})

describe('an announce that waits for the reachability', () => {
  it('continues as soon as the port answers', async () => {
    const { observers, network } = anEngine()
    const open = observers.checkReachability(aClient(1), 250)
    network.set(aClient(2), 'closed')
    const closed = observers.checkReachability(aClient(2), 250)
    network.deliver()
    expect(await open).toBe('reachable')
    expect(await closed).toBe('unreachable')
  })

  it('continues after 250 ms at most where the port is silent, and learns of a late answer by observation', async () => {
    const { clock, observers, network, run, of } = anEngine()
    network.set(aClient(1), 'silent')
    const silent = observers.checkReachability(aClient(1), 250)
    const settledMs = silent.then(() => clock.nowMs())
    const startedMs = clock.nowMs()
    for (let turn = 0; turn < 20; turn++) {
      run(50)
      await Promise.resolve()
      await Promise.resolve()
    }
    expect(await silent).toBe('unreachable')
    expect((await settledMs) - startedMs).toBeLessThanOrEqual(250)
    network.latest(aClient(1)).answer('open')
    run(50)
    expect(of(aClient(1)).reachability).toBe('reachable')
  })

  it('uses the result of the first check where there is one', async () => {
    const { observers, network, run } = anEngine()
    observers.update(aClient(1))
    run(100)
    expect(await observers.checkReachability(aClient(1), 250)).toBe('reachable')
    expect(network.sockets).toHaveLength(1)
  })

  it('checks again where the last result is old', async () => {
    const { observers, network, run } = anEngine()
    network.set(aClient(1), 'closed')
    observers.update(aClient(1))
    // The fifth dial follows 75 s after the first at most, the sixth no sooner than 60 s later.
    run(120_000)
    network.set(aClient(1), 'open')
    const checked = observers.checkReachability(aClient(1), 250)
    network.deliver()
    expect(await checked).toBe('reachable')
  })

  it('does not wait where the node has no connection left, or the client is removed', async () => {
    const { observers } = anEngine({ connections: 1 })
    const first = observers.checkReachability(aClient(1), 250)
    expect(await observers.checkReachability(aClient(2), 250)).toBe('unknown')
    observers.remove(aClient(1))
    expect(await first).toBe('unknown')
  })
})

describe('the progress of a client', () => {
  it('is its bitfield and one HAVE for each further piece', () => {
    const { observers, network, run, of, observations } = anEngine()
    const client = aClient(1, { priority: 'gateway', pieces: 16 })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(client)
    run(100)
    expect(of(client)).toMatchObject({ share: 0.5, isComplete: false })
    for (let piece = 8; piece < 15; piece++) network.held(client).send(writeHave(piece))
    run(500)
    expect(of(client)).toMatchObject({ share: 15 / 16, isComplete: false })
    network.held(client).send(writeHave(15))
    run(500)
    expect(of(client)).toMatchObject({ share: 1, isComplete: true })
    expect(observations.at(-1)).toMatchObject({ share: 1, isComplete: true })
    expect(observers.counters.observations.complete).toBe(1)
  })

  it('is nothing where the client sends no bitfield', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1)
    network.onAccept = (socket) => socket.greet()
    observers.update(client)
    run(1_900)
    expect(of(client).share).toBeUndefined()
    run(500)
    expect(of(client)).toMatchObject({ share: 0, isComplete: false })
  })

  it('follows a bitfield that is repeated', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1, { pieces: 16 })
    network.onAccept = (socket) => socket.greet([0x80, 0])
    observers.update(client)
    run(100)
    network.held(client).send(writeBitfield(Buffer.from([0xff, 0xf0])))
    run(1_200)
    expect(of(client).share).toBe(12 / 16)
  })

  it('of a torrent that is not registered is complete 1.5 s after the last piece that completes the bits', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1, { priority: 'gateway' })
    network.onAccept = (socket) => socket.greet([0xff, 0x80])
    observers.update(client)
    // The client downloads in order: after each piece it may have all of them.
    for (const piece of [9, 10]) {
      run(1_200)
      expect(of(client)).toMatchObject({ share: 0.9999, isComplete: false })
      network.held(client).send(writeHave(piece))
    }
    run(1_200)
    expect(of(client).isComplete).toBe(false)
    run(800)
    expect(of(client)).toMatchObject({ share: 1, isComplete: true })
  })

  it('of a torrent that is not registered is complete at once where the client announces it', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1, { isAnnouncedComplete: true })
    network.onAccept = (socket) => socket.greet([0xff, 0xe0])
    observers.update(client)
    run(100)
    expect(of(client)).toMatchObject({ share: 1, isComplete: true })
  })

  it('does not depend on clients that were removed with their torrent', () => {
    const { observers, network, run, of } = anEngine()
    network.onAccept = (socket) => socket.greet([0xff, 0xff])
    for (const n of [1, 2]) observers.update(aClient(n))
    run(100)
    for (const n of [1, 2]) observers.remove(aClient(n))
    network.onAccept = (socket) => socket.greet([0xff, 0xe0])
    observers.update(aClient(3))
    run(2_000)
    expect(of(aClient(3)).isComplete).toBe(true)
  })

  it('is complete with have-all', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1)
    network.onAccept = (socket) => {
      socket.greet()
      socket.send(HAVE_ALL)
    }
    observers.update(client)
    run(100)
    expect(of(client)).toMatchObject({ share: 1, isComplete: true })
  })

  it('has a rate, which falls without progress', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1, { priority: 'gateway', pieces: 8_000 })
    network.onAccept = (socket) => socket.greet(new Array<number>(1_000).fill(0))
    observers.update(client)
    run(100)
    for (let piece = 0; piece < 3_000; piece++) {
      network.held(client).send(writeHave(piece))
      if (piece % 5 === 4) run(50)
    }
    // 100 pieces a second.
    expect(of(client).sharePerSecond).toBeGreaterThan(0.9 / 80)
    expect(of(client).sharePerSecond).toBeLessThan(1.1 / 80)
    run(30_000)
    expect(of(client).sharePerSecond).toBeLessThan(0.1 / 80)
  })

  it('holds for the present while the connection of the client is open, and for its last poll otherwise', () => {
    const { observers, network, run, of } = anEngine({ connections: 1 })
    const polled = aClient(1, { pieces: 16 })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(polled)
    run(4_000)
    expect(of(polled).observedAtMs).toBe(START_MS + 50)

    const other = anEngine()
    const held = aClient(1, { pieces: 16 })
    other.network.onAccept = (socket) => socket.greet(HALF)
    other.observers.update(held)
    other.run(9_000)
    expect(other.of(held).observedAtMs).toBe(START_MS + 9_000)
  })

  it('stalls when no piece follows for twelve seconds', () => {
    const { observers, network, run, of, observations } = anEngine()
    const client = aClient(1, { priority: 'gateway', pieces: 16 })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(client)
    run(11_900)
    expect(of(client).isStalled).toBe(false)
    run(500)
    expect(observations.at(-1)).toMatchObject({ isStalled: true, share: 0.5 })
    network.held(client).send(writeHave(8))
    run(300)
    expect(observations.at(-1)).toMatchObject({ isStalled: false })
  })

  it('is reported every five seconds while a gateway stalls, since its upstream may get ahead of it', () => {
    const { observers, network, run, observations } = anEngine()
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(aClient(1, { priority: 'gateway', pieces: 16 }))
    observers.update(aClient(2, { pieces: 16 }))
    run(13_000)
    observations.length = 0
    run(20_000)
    expect(observations.length).toBeGreaterThanOrEqual(3)
    expect(observations.length).toBeLessThanOrEqual(4)
    for (const { address, isStalled } of observations)
      expect({ address: address.toString(), isStalled }).toEqual({ address: '10.1.0.1', isStalled: true })
    const times = observations.map(({ observedAtMs }) => observedAtMs)
    expect(new Set(times).size).toBe(times.length)
  })

  it('is reported once a tick for each client, regardless of the number of its messages', () => {
    const { observers, network, run, observations } = anEngine()
    const client = aClient(1, { priority: 'gateway', pieces: 800 })
    network.onAccept = (socket) => socket.greet(new Array<number>(100).fill(0))
    observers.update(client)
    run(600)
    observations.length = 0
    for (let piece = 0; piece < 500; piece++) {
      network.held(client).send(writeHave(piece))
      if (piece % 25 === 24) run(50)
    }
    expect(observations.length).toBeGreaterThanOrEqual(3)
    expect(observations.length).toBeLessThanOrEqual(5)
  })

  it('shows a client that announces that it is complete and is not', () => {
    const { observers, network, run } = anEngine()
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(aClient(1, { isAnnouncedComplete: true, priority: 'source' }))
    network.set(aClient(2), 'closed')
    observers.update(aClient(2, { isAnnouncedComplete: true }))
    run(200)
    expect(observers.census()).toEqual({ reachable: 1, unreachable: 1, falseSeeds: 1 })
  })
})

describe('a client without HAVE messages', () => {
  const client = aClient(1, { pieces: 16 })

  it('is reconnected to read its bitfield again, until it is complete', () => {
    const { observers, network, run, of } = anEngine()
    let bits = [0x80, 0]
    network.onAccept = (socket) => socket.greet(bits, TRANSMISSION)
    observers.update(client)
    run(100)
    expect(of(client).share).toBe(1 / 16)
    bits = FULL
    run(1_200)
    expect(of(client)).toMatchObject({ share: 1, isComplete: true })
    const dials = network.to(client).length
    run(60_000)
    expect(network.to(client)).toHaveLength(dials)
  })

  it('is not stalled between two polls, of which each shows new pieces', () => {
    const { observers, network, run, observations } = anEngine()
    const old = { ...client, pieces: 800, firstSeenMs: START_MS - 900_000 }
    let shown = 1
    network.onAccept = (socket) => {
      socket.greet(
        Array.from({ length: 100 }, (_, byte) => (byte < shown ? 0xff : 0)),
        TRANSMISSION,
      )
      shown++
    }
    observers.update(old)
    // A poll each 30 s. A message in between contains no news about pieces.
    for (let poll = 0; poll < 4; poll++) {
      run(20_000)
      network.held(old).send(KEEP_ALIVE)
      run(10_000)
    }
    expect(network.to(old).length).toBeGreaterThanOrEqual(4)
    expect(observations.some(({ isStalled }) => isStalled)).toBe(false)
  })

  it('is stalled where a poll shows no new piece for twelve seconds', () => {
    const { observers, network, run, of } = anEngine()
    network.onAccept = (socket) => socket.greet(HALF, TRANSMISSION)
    observers.update(client)
    run(16_000)
    expect(of(client).isStalled).toBe(true)
  })

  it('has one connection at a time', () => {
    const { observers, network, run } = anEngine()
    let open = 0
    network.onAccept = (socket) => {
      socket.greet(HALF, TRANSMISSION)
      open = Math.max(open, network.open.length)
    }
    observers.update(client)
    run(20_000)
    expect(network.to(client).length).toBeGreaterThan(5)
    expect(open).toBe(1)
  })
})

describe('a held client', () => {
  it('is gone when its connection ends and its port is closed', () => {
    const { clock, observers, network, run, of, observations } = anEngine()
    const client = aClient(1, { priority: 'gateway' })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(client)
    run(10_000)
    network.set(client, 'closed')
    network.held(client).end()
    const killedMs = clock.nowMs()
    run(500)
    const gone = observations.find(({ isGone }) => isGone)
    expect(gone?.reachability).toBe('unreachable')
    expect((gone?.observedAtMs ?? Infinity) - killedMs).toBeLessThanOrEqual(500)
    expect(of(client).isGone).toBe(true)
    expect(observers.counters.observations.gone).toBe(1)
  })

  it('is not gone when it accepts the next connection', () => {
    const { observers, network, run, of, observations } = anEngine()
    const client = aClient(1, { priority: 'gateway' })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(client)
    run(10_000)
    network.held(client).end()
    run(1_000)
    expect(of(client)).toMatchObject({ reachability: 'reachable', isGone: false })
    expect(observations.some(({ isGone }) => isGone)).toBe(false)
    expect(network.open).toHaveLength(1)
  })

  it('is gone within eight seconds when its link is cut silently', () => {
    const { clock, observers, network, run, of } = anEngine()
    const client = aClient(1, { priority: 'gateway' })
    network.onAccept = (socket) => {
      if (network.to(client).length === 1) socket.greet(HALF)
    }
    observers.update(client)
    run(20_000)
    expect(of(client).isGone).toBe(false)
    network.set(client, 'silent')
    const cutMs = clock.nowMs()
    while (!of(client).isGone && clock.nowMs() < cutMs + 20_000) run(50)
    expect(clock.nowMs() - cutMs).toBeLessThanOrEqual(8_000)
    expect(network.open).toHaveLength(0)
  })

  it('is gone within eight seconds, too, where it became gateway later', () => {
    const { clock, observers, network, run, of } = anEngine()
    const client = aClient(1, { isAnnouncedComplete: true })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(client)
    run(10_000)
    observers.update({ ...client, priority: 'source' })
    run(5_000)
    network.set(client, 'silent')
    const cutMs = clock.nowMs()
    while (!of(client).isGone && clock.nowMs() < cutMs + 20_000) run(50)
    expect(clock.nowMs() - cutMs).toBeLessThanOrEqual(8_000)
  })

  it.each([true, false])(
    'is gone after two silent dials if its connection was with another observer or a carrier before: %s',
    (wasAlive) => {
      const { observers, network, run, of } = anEngine()
      const client = aClient(1, { priority: 'gateway', wasAlive })
      network.set(client, 'silent')
      observers.update(client)
      run(8_000)
      expect(of(client)).toMatchObject({ reachability: 'unreachable', isGone: wasAlive })
    },
  )

  it('is not gone after one silent dial that is followed by an answer', () => {
    const { observers, network, run, of, observations } = anEngine()
    const client = aClient(1, { priority: 'gateway', pieces: 16 })
    network.onAccept = (socket) => {
      if (network.to(client).length === 1) socket.greet(HALF)
    }
    observers.update(client)
    for (let times = 0; times < 3; times++) {
      run(3_000)
      network.set(client, 'silent')
      run(1_900)
      network.set(client, 'open')
      run(3_000)
    }
    network.onAccept = (socket) => socket.greet(HALF)
    network.set(client, 'silent')
    network.held(client).end()
    run(1_500)
    network.set(client, 'open')
    run(4_000)
    expect(observations.some(({ isGone }) => isGone)).toBe(false)
    expect(of(client)).toMatchObject({ reachability: 'reachable', isGone: false })
  })

  it('that closes its connections after the bitfield is dialled once a second as a gateway', () => {
    const { observers, network, run } = anEngine()
    network.onAccept = (socket) => {
      socket.greet(HALF)
      socket.end()
    }
    observers.update(aClient(1, { priority: 'gateway', pieces: 16 }))
    run(10_000)
    expect(network.sockets.length).toBeGreaterThanOrEqual(8)
    expect(network.sockets.length).toBeLessThanOrEqual(11)
  })

  it('is not gone while its host answers, though the client itself sends nothing', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1, { priority: 'source', isAnnouncedComplete: true })
    network.onAccept = (socket) => {
      if (network.to(client).length === 1) socket.greet(FULL)
    }
    observers.update(client)
    run(60_000)
    expect(of(client)).toMatchObject({ isGone: false, reachability: 'reachable', isComplete: true })
    expect(network.open).toHaveLength(1)
  })

  it('is observed again after it was gone', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1, { priority: 'gateway', pieces: 16 })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(client)
    run(6_000)
    network.set(client, 'closed')
    network.held(client).end()
    run(1_000)
    network.set(client, 'open')
    run(10_000)
    expect(of(client)).toMatchObject({ isGone: false, reachability: 'reachable', share: 0.5 })
  })

  it('gets a keep-alive a minute', () => {
    const { observers, network, run } = anEngine()
    const client = aClient(1, { isAnnouncedComplete: true })
    network.onAccept = (socket) => socket.greet(FULL)
    observers.update(client)
    run(125_000)
    expect(network.held(client).written.slice(1)).toEqual([KEEP_ALIVE, KEEP_ALIVE])
  })

  it('is not lost because the node itself was suspended', () => {
    const { clock, observers, network, run, of } = anEngine()
    const client = aClient(1, { priority: 'gateway' })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(client)
    run(3_000)
    observers.tick()
    clock.advanceMs(30_000)
    observers.tick()
    network.deliver()
    run(1_000)
    expect(of(client)).toMatchObject({ isGone: false, reachability: 'reachable' })
  })

  it('is read at intervals: what it sends meanwhile waits', () => {
    const { observers, network, run } = anEngine()
    const client = aClient(1, { pieces: 16 })
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(client)
    run(100)
    expect(network.held(client).isPaused).toBe(true)
    run(1_000)
    expect(network.held(client).isPaused).toBe(false)
  })
})

describe('a client that requires encryption', () => {
  it('stays reachable, and is dialled every few seconds as a gateway, so that its loss is noticed', () => {
    const { clock, observers, network, run, of } = anEngine()
    const client = aClient(1, { priority: 'gateway' })
    network.onAccept = (socket) => socket.end()
    observers.update(client)
    run(30_000)
    expect(of(client)).toMatchObject({ reachability: 'reachable', isGone: false })
    network.set(client, 'closed')
    const killedMs = clock.nowMs()
    while (!of(client).isGone && clock.nowMs() < killedMs + 20_000) run(50)
    expect(clock.nowMs() - killedMs).toBeLessThanOrEqual(3_500)
  })
})

describe('a hostile client', () => {
  const hostile = aClient(66, { priority: 'source', pieces: 16 })
  const other = aClient(1, { priority: 'gateway', pieces: 16 })

  /** The first dial of the hostile client is accepted and answered with these bytes; another client is observed beside it. */
  function facing(...bytes: readonly Buffer[]) {
    const engine = anEngine()
    engine.network.onAccept = (socket) => {
      if (socket.to.startsWith('10.1.0.66')) socket.send(...bytes)
      else socket.greet(HALF)
    }
    engine.observers.update(hostile)
    engine.observers.update(other)
    return engine
  }

  it.each([
    ['another protocol', [Buffer.from('HTTP/1.1 400 Bad Request\r\n')]],
    ['another torrent', [writeHandshake(Buffer.alloc(20), LIBTORRENT)]],
    ['a wrong length', [writeHandshake(INFO_HASH, LIBTORRENT), Buffer.from([0, 0, 0, 9, 0])]],
    [
      'a bitfield that is too long',
      [writeHandshake(INFO_HASH, LIBTORRENT), writeBitfield(Buffer.alloc(1_000))],
    ],
    ['a spare bit', [writeHandshake(INFO_HASH, LIBTORRENT), writeBitfield(Buffer.from([0, 0, 1]))]],
    ['a piece that does not exist', [writeHandshake(INFO_HASH, LIBTORRENT), writeHave(16)]],
  ])('is disconnected for %s, and dialled again no sooner than in half a minute', (_, bytes) => {
    const { observers, network, run, of } = facing(...bytes)
    run(30_000)
    expect(observers.counters.observations.violation).toBe(1)
    expect(network.to(hostile)).toHaveLength(1)
    expect(of(hostile)).toMatchObject({ reachability: 'reachable', isComplete: false })
    expect(of(other)).toMatchObject({ share: 0.5 })
  })

  it('is disconnected when it floods with messages', () => {
    const flood = Buffer.concat(new Array<Buffer>(7_000).fill(writeHave(3)))
    const { observers, network, run, of } = facing(writeHandshake(INFO_HASH, LIBTORRENT))
    run(100)
    for (let second = 0; second < 40; second++) {
      if (!network.latest(hostile).isDestroyed) network.latest(hostile).send(flood)
      run(50)
    }
    run(5_000)
    expect(observers.counters.observations.flooding).toBe(1)
    expect(observers.counters.bytesRead).toBeLessThan(2_000_000)
    expect(of(other)).toMatchObject({ share: 0.5, isGone: false })
  })

  it('is disconnected when it floods with small messages', () => {
    const flood = Buffer.alloc(60_000)
    const { observers, network, run } = facing(writeHandshake(INFO_HASH, LIBTORRENT))
    run(100)
    for (let turn = 0; turn < 10; turn++) {
      if (!network.latest(hostile).isDestroyed) network.held(hostile).send(flood)
      run(250)
    }
    expect(observers.counters.observations.flooding).toBe(1)
    expect(observers.counters.bytesRead).toBeLessThan(300_000)
  })

  it('is disconnected when it floods with bytes before its pieces', () => {
    const skipped = startMessage(20, 60_000)
    const { observers, network, run } = facing(writeHandshake(INFO_HASH, LIBTORRENT))
    run(100)
    for (let turn = 0; turn < 40; turn++) network.latest(hostile).send(skipped)
    expect(observers.counters.observations.flooding).toBe(1)
    expect(observers.counters.bytesRead).toBeLessThan(1_100_000)
  })

  it('holds a connection for ten seconds at most with a bitfield that does not end', () => {
    const { observers, network, run } = facing(
      writeHandshake(INFO_HASH, LIBTORRENT),
      Buffer.from([0, 0, 0, 3, 5]),
    )
    for (let turn = 0; turn < 100; turn++) {
      run(150)
      network.latest(hostile).send(Buffer.alloc(0))
    }
    expect(observers.counters.observations.mute).toBeGreaterThanOrEqual(1)
    expect(network.to(hostile)[0]?.isDestroyed).toBe(true)
  })

  it('holds a connection for five seconds at most without a handshake', () => {
    const { observers, network, run } = facing()
    run(5_200)
    expect(observers.counters.observations.mute).toBe(1)
    expect(network.to(hostile)[0]?.isDestroyed).toBe(true)
  })

  it('that closes after each byte is dialled ever more rarely', () => {
    const { observers, network, run } = anEngine()
    network.onAccept = (socket) => {
      socket.send(Buffer.from([19]))
      socket.end()
    }
    observers.update(aClient(66))
    run(120_000)
    expect(network.sockets.length).toBeLessThanOrEqual(6)
  })

  it('that never reads costs no memory: the node sends it little, and closes', () => {
    const { observers, network, run } = anEngine()
    network.onAccept = (socket) => {
      socket.greet(FULL)
      socket.unsentBytes = 300
    }
    observers.update(aClient(66, { isAnnouncedComplete: true }))
    run(70_000)
    expect(network.sockets[0]?.isDestroyed).toBe(true)
    expect(observers.counters.observations.closed).toBe(1)
  })
})

describe('the connections of a node', () => {
  it('never exceed its limit, and each client is polled in turn', () => {
    const { observers, network, run, of } = anEngine({ connections: 16 })
    let most = 0
    network.onAccept = (socket) => {
      socket.greet(HALF)
      most = Math.max(most, network.open.length)
    }
    const clients = Array.from({ length: 200 }, (_, n) => aClient(n, { pieces: 16 }))
    for (const client of clients) observers.update(client)
    run(30_000)
    expect(most).toBeLessThanOrEqual(16)
    expect(observers.connections).toBeLessThanOrEqual(16)
    for (const client of clients) expect(of(client).share).toBe(0.5)
    // Held clients are not dialled again. Each of the others is polled every few seconds.
    const polls = clients.map((client) => network.to(client).length).filter((dials) => dials > 1)
    expect(polls.length).toBeGreaterThanOrEqual(180)
    expect(Math.min(...polls)).toBeGreaterThanOrEqual(4)
  })

  it('are given up by a less important client when a gateway needs one', () => {
    const { observers, network, run, of } = anEngine({ connections: 8 })
    network.onAccept = (socket) => socket.greet(HALF)
    for (let n = 0; n < 8; n++) observers.update(aClient(n, { pieces: 16 }))
    run(1_000)
    expect(network.open).toHaveLength(7)
    const gateway = aClient(100, { pieces: 16, priority: 'gateway' })
    observers.update(gateway)
    run(1_000)
    expect(network.latest(gateway).isDestroyed).toBe(false)
    expect(of(gateway).share).toBe(0.5)
    expect(observers.connections).toBeLessThanOrEqual(8)
  })

  it('are not taken from a client that is as important', () => {
    const { observers, network, run } = anEngine({ connections: 4 })
    network.onAccept = (socket) => socket.greet(HALF)
    for (let n = 0; n < 6; n++) observers.update(aClient(n, { pieces: 16, priority: 'gateway' }))
    run(2_000)
    const held = network.open.map(({ to }) => to)
    run(20_000)
    expect(network.open.map(({ to }) => to)).toEqual(held)
    expect(held).toHaveLength(3)
  })

  it('are not opened for polls while the node has read too many bytes, but for gateways', () => {
    const { observers, network, run } = anEngine()
    const bitfield = writeBitfield(Buffer.alloc(262_144))
    network.onAccept = (socket) => socket.send(writeHandshake(INFO_HASH, LIBTORRENT), bitfield)
    for (let n = 0; n < 60; n++) observers.update(aClient(n))
    run(50)
    expect(observers.counters.bytesRead).toBeGreaterThan(15_000_000)
    network.onAccept = () => {}
    observers.update(aClient(200))
    observers.update(aClient(201, { priority: 'gateway' }))
    run(500)
    expect([network.to(aClient(200)).length, network.to(aClient(201)).length]).toEqual([0, 1])
    run(1_000)
    expect(network.to(aClient(200))).toHaveLength(1)
  })

  it('are held for a polled client that becomes gateway', () => {
    const { observers, network, run } = anEngine({ connections: 8 })
    network.onAccept = (socket) => socket.greet(HALF)
    const clients = Array.from({ length: 20 }, (_, n) => aClient(n, { pieces: 16 }))
    for (const client of clients) observers.update(client)
    run(2_000)
    const polled = clients.find((client) => network.latest(client).isDestroyed)
    if (polled === undefined) throw new Error('some clients are polled')
    observers.update({ ...polled, priority: 'gateway' })
    run(500)
    expect(network.latest(polled).isDestroyed).toBe(false)
  })

  it('are opened at a bounded rate, gateways first', () => {
    const { observers, network, run } = anEngine({ connections: 4_000 })
    for (let n = 0; n < 1_500; n++) observers.update(aClient(n))
    run(1_000)
    expect(network.sockets.length).toBeLessThanOrEqual(512)
    const gateway = aClient(5_000, { priority: 'gateway' })
    observers.update(gateway)
    run(100)
    expect(network.to(gateway)).toHaveLength(1)
    run(10_000)
    expect(network.sockets.length).toBeGreaterThanOrEqual(1_501)
  })

  it('are closed for a client that is removed, and when the node stops', () => {
    const { observers, network, run } = anEngine()
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(aClient(1))
    observers.update(aClient(2))
    run(1_000)
    observers.remove(aClient(1))
    expect(network.open.map(({ to }) => to)).toEqual(['10.1.0.2:6881'])
    expect(observers.observationOf(aClient(1))).toBeUndefined()
    observers.stop()
    expect(network.open).toHaveLength(0)
    expect([observers.clients, observers.connections]).toEqual([0, 0])
  })

  it('go only to addresses that the node was given', () => {
    const { observers, network, run } = anEngine()
    network.onAccept = (socket) => socket.greet(HALF)
    observers.update(aClient(1))
    observers.update(aClient(2, { priority: 'gateway' }))
    run(60_000)
    expect(new Set(network.sockets.map(({ to }) => to))).toEqual(new Set(['10.1.0.1:6881', '10.1.0.2:6881']))
  })
})

describe('a client that closes a connection before its bitfield', () => {
  it('is polled at the usual time if it has shown pieces before, and ever more rarely from the second time', () => {
    const { observers, network, run, of } = anEngine()
    const client = aClient(1, { pieces: 16 })
    let isClosing = false
    network.onAccept = (socket) => (isClosing ? socket.end() : socket.greet(HALF, TRANSMISSION))
    observers.update(client)
    run(5_000)
    for (let times = 0; times < 3; times++) {
      isClosing = true
      const dials = network.to(client).length
      for (let turn = 0; turn < 40 && network.to(client).length === dials; turn++) run(50)
      isClosing = false
      run(1_500)
      expect(network.to(client).length).toBeGreaterThan(dials + 1)
    }
    isClosing = true
    const dials = network.to(client).length
    run(60_000)
    expect(network.to(client).length - dials).toBeLessThanOrEqual(7)
    expect(of(client)).toMatchObject({ share: 0.5, reachability: 'reachable' })
  })
})

it('a node observes no more clients than its limit', () => {
  const { observers } = anEngine()
  for (let n = 0; n < OBSERVED_CLIENTS_MAX + 2; n++) observers.update(aClient(n))
  expect(observers.clients).toBe(OBSERVED_CLIENTS_MAX)
  expect(observers.counters.clientsIgnored).toBe(2)
  observers.update(aClient(1, { priority: 'gateway' }))
  expect(observers.counters.clientsIgnored).toBe(2)
})
