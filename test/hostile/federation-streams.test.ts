/** A holder of the federation token that takes all streams. */
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { aNode } from '../a-node.ts'

const FEDERATION = 'the-right-federation-token'

test('a holder of the federation token takes a hundred streams, and another node still gets one', async () => {
  const node = await aNode({ more: `federation: { token: ${FEDERATION} }\n` })
  const open = (from: string) =>
    new Promise<boolean>((resolve) => {
      const { hostname, port } = new URL(node.adminUrl)
      const socket = connect({ host: hostname, port: Number(port), localAddress: from })
      onTestFinished(() => void socket.destroy())
      let received = ''
      socket.on('error', () => {})
      socket.on('close', () => resolve(false))
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1')
        // The head, and the hello behind it.
        if (received.indexOf('\r\n\r\n') > 0 && received.length > received.indexOf('\r\n\r\n') + 20)
          resolve(true)
      })
      socket.write(
        `GET /federation/v1/stream?site=ams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${FEDERATION}\r\n\r\n`,
      )
    })
  const streams: boolean[] = []
  for (let stream = 0; stream < 130; stream++) streams.push(await open('127.0.0.7'))
  expect(streams.filter(Boolean)).toHaveLength(100)
  expect(await open('127.0.0.8')).toBe(true)
})
