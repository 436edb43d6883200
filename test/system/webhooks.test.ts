/** Webhooks of two sites with two nodes each: each event arrives once, signed, also after refusals. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../a-command-run.ts'
import { aFederation, type FederatedSite, until } from '../a-federation.ts'
import { aDirectory } from '../a-node.ts'
import { aRedis } from '../a-redis.ts'
import { aWebhookReceiver, type WebhookReceiver } from '../a-webhook-receiver.ts'
import { needs } from '../setup/needs.ts'

const SIZE_BYTES = 1_000_000
const SECRET = 'f0e1d2c3b4a5968778695a4b3c2d1e0f'

async function twoSites(receiver: WebhookReceiver) {
  const redis = await aRedis()
  const webhooks = `webhooks: { urls: ["${receiver.url}"], secret: "${SECRET}" }`
  const federation = await aFederation({
    names: ['fra', 'ams'],
    nodes: 2,
    stores: { fra: redis.url, ams: redis.url },
    moreAt: { fra: webhooks },
  })
  await federation.connected()
  const node = federation.site('fra')
  const publish = async (...flags: string[]) => {
    const file = join(await aDirectory(), 'image.bin')
    await writeFile(file, randomBytes(SIZE_BYTES))
    const run = await runCommand(['publish', file, '--url', node.adminUrl, '--json', ...flags])
    const { infoHashV1 } = JSON.parse(run.out) as { infoHashV1: string }
    for (const site of federation.sites)
      await until(
        'each node knows the torrent',
        async () => (await site.admin(`/api/v1/torrents/${infoHashV1}`)).ok,
      )
    return infoHashV1
  }
  return { federation, publish }
}

function announce(
  site: FederatedSite,
  infoHash: string,
  from: string,
  left: number,
  event: string,
  port = 6881,
) {
  const hash = infoHash.replaceAll(/../g, (byte) => `%${byte}`)
  const peerId = `-XX0000-${from}`.padEnd(20, '.')
  const query = `info_hash=${hash}&peer_id=${peerId}&port=${port}&left=${left}&event=${event}`
  return new Promise<void>((resolve, reject) => {
    request(`${site.announceUrl}?${query}`, { localAddress: from, agent: false }, (response) =>
      response.resume().on('end', () => resolve()),
    )
      .on('error', reject)
      .end()
  })
}

describe.skipIf(needs('redis-server'))('webhooks', () => {
  test('report the start, each site, the end, a hold and a stranded site once, signed, and again after a refusal', async () => {
    const receiver = await aWebhookReceiver(SECRET)
    const { federation, publish } = await twoSites(receiver)
    const [fra, ams, ams2] = [federation.site('fra'), federation.site('ams'), federation.site('ams', 1)]
    const stranded = await publish()
    const complete = await publish('--expect', 'ams=2')
    const accepted = (infoHash: string) =>
      receiver.deliveries
        .filter(({ status, event }) => status === 200 && event.rollout.infoHash === infoHash)
        .map(({ event: { type, site } }) => (site === null ? type : `${type} ${site}`))
        .toSorted()

    // The receiver is down, then fails once.
    receiver.answerWith(500)
    await announce(fra, complete, '127.1.0.1', 0, 'started')
    await announce(ams, complete, '127.2.0.1', SIZE_BYTES, 'started')
    await announce(ams2, complete, '127.2.0.2', SIZE_BYTES, 'started')
    await until('the first attempt failed', () =>
      /"webhook-failed"/.test(fra.log() + federation.site('fra', 1).log()),
    )
    await receiver.listen()
    await until('the start is accepted', () => accepted(complete).length > 0)
    expect(receiver.deliveries.map(({ status, event }) => [status, event.type])).toEqual([
      [500, 'started'],
      [200, 'started'],
    ])
    expect(new Set(receiver.deliveries.map(({ id }) => id)).size).toBe(1)

    await announce(ams, stranded, '127.2.0.9', SIZE_BYTES, 'started', 1)
    const hold = await fra.admin(`/api/v1/rollouts/${complete}/hold?site=ams`, { method: 'POST' })
    expect(hold.status).toBe(200)
    await until('the hold is reported', () => accepted(complete).includes('held ams'))
    await fra.admin(`/api/v1/rollouts/${complete}/release?site=ams`, { method: 'POST' })
    await announce(ams, complete, '127.2.0.1', 0, 'completed')
    await announce(ams2, complete, '127.2.0.2', 0, 'completed')
    await until('the end is reported', () => accepted(complete).length >= 4)
    await until('the stranded site is reported', () => accepted(stranded).includes('stranded ams'))
    // A second node, or the second site, would repeat them within its next seconds.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    expect(accepted(complete)).toEqual(['complete', 'held ams', 'site-complete ams', 'started'])
    expect(accepted(stranded)).toEqual(['started', 'stranded ams'])
    expect(receiver.deliveries.every(({ isSigned }) => isSigned)).toBe(true)
    const ids = receiver.deliveries.filter(({ status }) => status === 200).map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  }, 240_000)
})
