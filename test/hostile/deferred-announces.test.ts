/** Announces of rtorrent whose response is deferred, 21,000 of one host, beside those of honest hosts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { announceFrom, aNode, peersOf } from '../a-node.ts'
import { RawConnection } from '../raw-connection.ts'
import { reportFigure } from './report-figure.ts'

const HOSTILE = '127.1.9.9'
const ANNOUNCES = 21_000
/** A host has at most this many that wait. */
const WAITING = 500
const CONNECTIONS = 20
/** More than have a place: one that gets a place below would wait there for 45 s. */
const FIRST = WAITING + CONNECTIONS
const RTORRENT = '-lt0D80-'

/** A new peer of a torrent without a seed, on a port of its own. */
function announceLine(number: number): string {
  const peer = `peer_id=${RTORRENT}${String(number).padStart(12, '0')}&port=${2_000 + number}&left=1000&compact=1`
  return `GET /announce?info_hash=${'%cd'.repeat(20)}&${peer} HTTP/1.1\r\nHost: x\r\n\r\n`
}

test('21,000 announces of one host that wait for a peer keep no announce of another host waiting', async () => {
  const node = await aNode({ more: 'limits: { requestsPerSource: 1000000 }\n' })
  const open = async () => {
    const connection = await RawConnection.open(Number(new URL(node.announceUrl).port), HOSTILE)
    onTestFinished(() => connection.destroy())
    return connection
  }
  let sent = 0
  for (; sent < FIRST; sent++) (await open()).write(announceLine(sent))

  const times: number[] = []
  const isOver = { value: false }
  const honest = async () => {
    while (!isOver.value) {
      const startMs = performance.now()
      expect(await announceFrom(node, '127.1.2.1', { left: 0, port: 7_000 })).toContain('8:complete')
      times.push(performance.now() - startMs)
      await sleep(5)
    }
  }
  const answered = honest()
  const refused: string[] = []
  const send = async () => {
    const connection = await open()
    while (sent < ANNOUNCES) {
      connection.write(announceLine(sent++))
      refused.push((await connection.response())?.body ?? 'closed')
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, send))
  // The first of them may be the gateway of the site, and is answered.
  expect(refused.filter((body) => body.includes('14:failure reason')).length).toBeGreaterThan(
    ANNOUNCES - FIRST - 10,
  )

  isOver.value = true
  await answered
  const sortedMs = times.toSorted((one, other) => one - other)
  const longestMs = sortedMs.at(-1) ?? Infinity
  reportFigure(
    `${ANNOUNCES} announces of one host that wait: the longest honest announce took ${Math.round(longestMs)} ms`,
  )
  expect(times.length).toBeGreaterThan(10)
  expect(sortedMs[sortedMs.length >> 1]).toBeLessThan(1_000)
  // Only a machine without processor time for this test comes near it.
  expect(longestMs).toBeLessThan(20_000)
})

test('the announce of an honest rtorrent is attempted again beside those of a host that has all its places', async () => {
  const node = await aNode()
  for (let number = 0; number < WAITING + 1; number++) {
    const connection = await RawConnection.open(Number(new URL(node.announceUrl).port), HOSTILE)
    onTestFinished(() => connection.destroy())
    connection.write(announceLine(number))
  }
  const rtorrent = (host: number) =>
    announceFrom(node, `127.1.1.${host}`, { peer_id: `${RTORRENT}honest-${host}....`, left: 1_000 })
  // The gateway of the site is answered at once; the next leecher waits for a peer that has content.
  await rtorrent(1)
  const waiting = { isAnswered: false }
  const second = rtorrent(2).then((answer) => {
    waiting.isAnswered = true
    return answer
  })
  await sleep(1_500)
  expect(waiting.isAnswered).toBe(false)
  const startMs = performance.now()
  await announceFrom(node, '127.1.1.3', { left: 0 })
  expect(peersOf(await second)).toContain('127.1.1.3:6881')
  // Without a further attempt it would be rejected after 45 s.
  expect(performance.now() - startMs).toBeLessThan(30_000)
})
