/** A program that receives webhooks on a socket, as an operator would write it: it verifies each signature. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import type { RolloutEvent } from '../src/rollouts/rollout-events.ts'
import { freePort } from './a-node.ts'

export interface Delivery {
  readonly id: string
  readonly event: RolloutEvent
  readonly isSigned: boolean
  /** The status that the receiver answered. */
  readonly status: number
}

export interface WebhookReceiver {
  readonly url: string
  readonly deliveries: readonly Delivery[]
  /** Statuses of the next answers; 200 after them. */
  answerWith(...statuses: number[]): void
  /** Until then, connections are refused. */
  listen(): Promise<void>
}

export async function aWebhookReceiver(secret: string): Promise<WebhookReceiver> {
  const port = await freePort()
  const deliveries: Delivery[] = []
  const statuses: number[] = []
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request)
    const status = statuses.shift() ?? 200
    deliveries.push({
      id: String(request.headers['webhook-id']),
      event: JSON.parse(body) as RolloutEvent,
      isSigned: isSigned(request, body, secret),
      status,
    })
    response.writeHead(status).end()
  }
  const server = createServer((request, response) => void receive(request, response))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${port}/hook`,
    deliveries,
    answerWith: (...next) => void statuses.push(...next),
    listen: () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve)),
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

/** Standard Webhooks: HMAC-SHA-256 over id, time and body; the time is a recent one. */
function isSigned({ headers }: IncomingMessage, body: string, secret: string): boolean {
  const [id, time, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name]),
  )
  const expected = `v1,${createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64')}`
  const isRecent = Math.abs(Date.now() / 1000 - Number(time)) < 60
  return (
    isRecent &&
    signature?.length === expected.length &&
    timingSafeEqual(Buffer.from(signature), Buffer.from(expected))
  )
}
