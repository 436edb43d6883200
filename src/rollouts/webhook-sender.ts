/**
 * Sends events to the URLs of an operator, signed as the specification Standard Webhooks describes, and repeated until a
 * receiver accepts them. The queue is bounded, and an event is given up after a day.
 *
 * Threat: a receiver that hangs or answers endlessly. A request has a deadline, the body of the response is not read, and a
 * redirect is a failure: it would lead the signed event elsewhere.
 */
import { createHmac } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { RolloutEvent, RolloutEventType } from './rollout-events.ts'

export interface WebhookRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface WebhookSenderInit {
  readonly urls: readonly string[]
  readonly secret: string | undefined
  readonly events: readonly RolloutEventType[]
  readonly clock: Clock
  readonly log: Log
  /** Resolves with the status of the response. Rejects if there is none in time. */
  readonly post: (request: WebhookRequest) => Promise<number>
  /** Whether this node sends the event; one node of the site does. */
  readonly claim: (event: RolloutEvent) => Promise<boolean>
}

/** Events of a thousand rollouts that complete while the receiver is down. */
const PENDING_MAX = 5_000
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 900_000
const GIVE_UP_MS = 86_400_000
/** Requests at the same time. */
const SENDING_MAX = 8

interface Delivery {
  readonly url: string
  readonly event: RolloutEvent
  readonly createdAtMs: number
  attempts: number
  dueMs: number
  isSending: boolean
}

export class WebhookSender {
  readonly #init: WebhookSenderInit
  readonly #pending = new Set<Delivery>()
  dropped = 0

  constructor(init: WebhookSenderInit) {
    this.#init = init
  }

  get pending(): number {
    return this.#pending.size
  }

  async send(event: RolloutEvent): Promise<void> {
    const { urls, events, clock, claim } = this.#init
    if (urls.length === 0 || !events.includes(event.type) || !(await claim(event))) return
    const nowMs = clock.nowMs()
    for (const url of urls) {
      if (this.#pending.size >= PENDING_MAX) this.#dropOldest()
      this.#pending.add({ url, event, createdAtMs: nowMs, attempts: 0, dueMs: nowMs, isSending: false })
    }
    this.tick()
  }

  /** Sends what is due. Called at least once a second. */
  tick(): void {
    const nowMs = this.#init.clock.nowMs()
    let sending = [...this.#pending].filter(({ isSending }) => isSending).length
    for (const delivery of this.#pending) {
      if (sending >= SENDING_MAX) return
      if (delivery.isSending || delivery.dueMs > nowMs) continue
      sending++
      void this.#attempt(delivery)
    }
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const { clock, log, secret, post } = this.#init
    delivery.isSending = true
    delivery.attempts++
    const { url, event } = delivery
    const body = JSON.stringify(event)
    const headers = signedHeaders({ id: event.id, body, secret, nowMs: clock.nowMs() })
    const problem = await post({ url, headers, body }).then(
      (status) => (status >= 200 && status <= 299 ? undefined : `answered ${status}`),
      (error: unknown) => (error as Error).message,
    )
    delivery.isSending = false
    const { host } = new URL(url)
    if (problem === undefined) {
      this.#pending.delete(delivery)
      log.info({ event: 'webhook-sent', host, type: event.type, id: event.id }, 'webhook sent')
      return
    }
    const nowMs = clock.nowMs()
    if (nowMs - delivery.createdAtMs >= GIVE_UP_MS) return this.#drop(delivery, problem)
    delivery.dueMs = nowMs + Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 4 ** Math.min(10, delivery.attempts - 1))
    if (delivery.attempts === 1)
      log.warn(
        { event: 'webhook-failed', host, type: event.type, problem },
        'webhook not accepted; it is repeated',
      )
  }

  #dropOldest(): void {
    const [oldest] = this.#pending
    if (oldest !== undefined) this.#drop(oldest, 'too many events wait')
  }

  #drop(delivery: Delivery, problem: string): void {
    this.#pending.delete(delivery)
    this.dropped++
    const { type } = delivery.event
    this.#init.log.warn(
      { event: 'webhook-dropped', host: new URL(delivery.url).host, type, problem },
      'webhook given up',
    )
  }
}

/** https://www.standardwebhooks.com: HMAC-SHA-256 over id, time and body. */
export function signedHeaders({
  id,
  body,
  secret,
  nowMs,
}: {
  readonly id: string
  readonly body: string
  readonly secret: string | undefined
  readonly nowMs: number
}): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
  }
  if (secret === undefined) return headers
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { ...headers, 'webhook-signature': `v1,${signature}` }
}
