/** Events of rollouts, and their delivery to other programs. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { WEBHOOK_EVENTS } from '../../../src/config/schema.ts'
import { ManualClock } from '../../../src/core/clock.ts'
import { type RolloutEvent, rolloutEvents, RolloutEvents } from '../../../src/rollouts/rollout-events.ts'
import { signedHeaders, type WebhookRequest, WebhookSender } from '../../../src/rollouts/webhook-sender.ts'
import { aRollout, type TestRolloutOptions } from '../../a-rollout.ts'

/** A rollout whose events are collected as `type` or `type site`. */
function anObservedRollout(options: TestRolloutOptions = {}) {
  const rollout = aRollout(options)
  const events = new RolloutEvents({ rollouts: rollout.rollouts, clock: rollout.clock })
  const seen: string[] = []
  const ids: string[] = []
  events.onEvent(({ type, site, id }) => {
    seen.push(site === null ? type : `${type} ${site}`)
    ids.push(id)
  })
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      rollout.pass(1)
      events.tick()
    }
  }
  return { ...rollout, pass, seen, ids, events }
}

describe('the events of a rollout', () => {
  it('are those of the configuration', () => {
    expect(rolloutEvents).toEqual(WEBHOOK_EVENTS)
  })

  it('come once: started, each site, all sites', () => {
    const rollout = anObservedRollout({ expect: { ams: 1, nyc: 1 } })
    rollout.seed('127.1.1.1')
    rollout.join('127.2.1.1')
    rollout.pass(2)
    expect(rollout.seen).toEqual(['started'])
    rollout.finish('127.2.1.1')
    rollout.pass(2)
    rollout.join('127.3.1.1')
    rollout.finish('127.3.1.1')
    rollout.pass(60)
    expect(rollout.seen).toEqual(['started', 'site-complete ams', 'site-complete nyc', 'complete'])
    expect(new Set(rollout.ids).size).toBe(4)
  })

  it('wait for further hosts where no number is expected', () => {
    const rollout = anObservedRollout()
    rollout.join('127.2.1.1')
    rollout.finish('127.2.1.1')
    rollout.pass(20)
    rollout.join('127.2.1.2')
    rollout.pass(60)
    expect(rollout.seen).toEqual(['started'])
    rollout.finish('127.2.1.2')
    rollout.pass(40)
    expect(rollout.seen).toEqual(['started', 'site-complete ams', 'complete'])
  })

  it('report a site without a source after a while, and again when it happens again', () => {
    const rollout = anObservedRollout()
    rollout.join('127.2.1.1')
    const strand = () => {
      const swarm = rollout.table.swarm(rollout.torrent.infoHashes[0] as Buffer)
      for (const { row } of swarm?.site(1)?.gateways ?? [])
        rollout.table.leases.end(rollout.table.leaseOf(row), 'stalled')
    }
    strand()
    rollout.pass(10)
    expect(rollout.seen).toEqual(['started'])
    rollout.pass(10)
    expect(rollout.seen).toEqual(['started', 'stranded ams'])
    rollout.seed('127.1.1.1')
    rollout.pass(5)
    rollout.announce('127.1.1.1', { left: 0, event: 'stopped' })
    strand()
    rollout.pass(30)
    expect(rollout.seen).toEqual(['started', 'stranded ams', 'stranded ams'])
  })
})

const EVENT = { id: 'an-id', type: 'complete', at: '', site: null, sentence: '', rollout: {} } as RolloutEvent

/** `answers`: the status of each request in turn, or a failure; 200 after the last one. */
function aSender(answers: (number | Error)[], options: { readonly claim?: boolean } = {}) {
  const clock = new ManualClock()
  const requests: WebhookRequest[] = []
  const sender = new WebhookSender({
    urls: ['http://receiver.example/hook'],
    secret: 'the-secret',
    events: ['complete'],
    clock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    claim: async () => options.claim ?? true,
    post: async (request) => {
      requests.push(request)
      const answer = answers.shift() ?? 200
      if (answer instanceof Error) throw answer
      return answer
    },
  })
  const pass = async (seconds: number) => {
    clock.advanceMs(seconds * 1_000)
    sender.tick()
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  return { sender, requests, pass, clock }
}

describe('a webhook', () => {
  it('is sent once where the receiver accepts it, with a signature over id, time and body', async () => {
    const { sender, requests, pass, clock } = aSender([])
    await sender.send(EVENT)
    await pass(60)
    expect(requests).toHaveLength(1)
    const [{ headers, body }] = requests as [WebhookRequest]
    const timestamp = Math.floor((clock.nowMs() - 60_000) / 1000)
    const signature = createHmac('sha256', 'the-secret').update(`an-id.${timestamp}.${body}`).digest('base64')
    expect(headers).toMatchObject({
      'webhook-id': 'an-id',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': `v1,${signature}`,
    })
    expect(JSON.parse(body)).toEqual(EVENT)
  })

  it('is repeated with growing pauses until it is accepted, also after redirects and broken connections', async () => {
    const { sender, requests, pass } = aSender([500, 302, new Error('connection reset')])
    await sender.send(EVENT)
    await pass(0)
    await pass(1)
    await pass(3)
    expect(requests).toHaveLength(2)
    await pass(1)
    expect(requests).toHaveLength(3)
    await pass(16)
    expect(requests).toHaveLength(4)
    await pass(3_600)
    expect(requests).toHaveLength(4)
    expect(sender.pending).toBe(0)
  })

  it('is given up after a day', async () => {
    const { sender, requests, pass } = aSender(Array.from({ length: 1_000 }, () => 500))
    await sender.send(EVENT)
    for (let hour = 0; hour < 30; hour++) await pass(3_600)
    expect(requests.length).toBeGreaterThan(20)
    expect([sender.pending, sender.dropped]).toEqual([0, 1])
  })

  it('is not sent for other events, nor by a node that another one precedes', async () => {
    const other = aSender([])
    await other.sender.send({ ...EVENT, type: 'held' })
    expect(other.requests).toHaveLength(0)
    const second = aSender([], { claim: false })
    await second.sender.send(EVENT)
    expect(second.requests).toHaveLength(0)
  })

  it('has no signature without a secret', () => {
    expect(signedHeaders({ id: 'a', body: '{}', secret: undefined, nowMs: 0 })).not.toHaveProperty(
      'webhook-signature',
    )
  })
})
