/** A holder of the token that may only read, who takes event streams of the admin API. */
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { aNode, type RunningNode } from '../a-node.ts'

const READ = 'the-token-that-may-only-read'
const MORE = `admin: { token: the-token-of-the-operator, readToken: ${READ} }\n`
const PLACES_OF_A_SOURCE = 16

const REQUEST = `GET /api/v1/events?kind=node HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${READ}\r\n\r\n`

interface Asked {
  /** `open`: the stream has its whole state. Otherwise the code of the problem. */
  readonly answer: string
  readonly status: number
  readonly socket: Socket
}

function ask(node: RunningNode, from: string, requests = 1): Promise<Asked> {
  const { hostname, port } = new URL(node.adminUrl)
  const socket = connect({ host: hostname, port: Number(port), localAddress: from })
  onTestFinished(() => void socket.destroy())
  return new Promise((resolve, reject) => {
    let received = ''
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${received.slice(0, 200)}`)))
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const code = /"code":"([a-z-]+)"/.exec(received)?.[1]
      const answer = received.includes('event: live') ? 'open' : code
      if (answer !== undefined) resolve({ answer, status: Number(received.slice(9, 12)), socket })
    })
    socket.write(REQUEST.repeat(requests))
  })
}

const open = async (node: RunningNode, from: string, streams: number) =>
  Promise.all(Array.from({ length: streams }, () => ask(node, from)))

const closed = (socket: Socket) => new Promise<void>((resolve) => void socket.once('close', () => resolve()))

test('a holder of the read token has 16 streams of an address, and 70 at once are not more', async () => {
  const node = await aNode({ more: MORE })
  const asked = await open(node, '127.1.9.9', 70)
  const refused = asked.filter(({ answer }) => answer !== 'open')
  expect(asked).toHaveLength(refused.length + PLACES_OF_A_SOURCE)
  expect(new Set(refused.map(({ status, answer }) => `${status} ${answer}`))).toEqual(
    new Set(['429 too-many-own-streams']),
  )
  expect((await ask(node, '127.1.1.1')).answer).toBe('open')
})

test('a holder with four addresses, who keeps all places, loses the oldest one to an operator', async () => {
  const node = await aNode({ more: MORE })
  const asked: Asked[] = []
  for (const from of ['127.1.9.1', '127.1.9.2', '127.1.9.3', '127.1.9.4'])
    asked.push(...(await open(node, from, PLACES_OF_A_SOURCE)))
  expect(asked.filter(({ answer }) => answer === 'open')).toHaveLength(64)
  const lost = Promise.race(asked.map(({ socket }) => closed(socket)))
  const operator = await ask(node, '127.1.1.1')
  expect(operator.answer).toBe('open')
  await lost
  // Its place is free, and does not become that of the operator.
  expect((await ask(node, '127.1.1.1')).answer).toBe('open')
  expect(operator.socket.destroyed).toBe(false)
})

test('requests behind a stream on its connection take no place, also after its end', async () => {
  const node = await aNode({ more: MORE })
  for (let connection = 0; connection < 3; connection++) {
    const { answer, socket } = await ask(node, '127.1.9.9', 64)
    expect(answer).toBe('open')
    const end = closed(socket)
    socket.destroy()
    await end
  }
  const asked = await open(node, '127.1.9.9', PLACES_OF_A_SOURCE - 3)
  expect(new Set(asked.map(({ answer }) => answer))).toEqual(new Set(['open']))
})
