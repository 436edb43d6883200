/** Rollouts over two sites with nodes of their own: the same answer from each node, also after restarts. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RolloutInFull } from '../../src/rollouts/rollout-answer.ts'
import { aDirectory } from '../a-node.ts'
import { aFederation, type FederatedSite, until } from '../a-federation.ts'
import { runCommand } from '../a-command-run.ts'

const SIZE_BYTES = 1_000_000

/** Two sites, and a torrent that is published at the first one and known at both. */
async function aPublishedTorrent() {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  const file = join(await aDirectory(), 'image.bin')
  await writeFile(file, randomBytes(SIZE_BYTES))
  const run = await runCommand(['publish', file, '--url', fra.adminUrl, '--expect', 'ams=2', '--json'])
  expect(run).toMatchObject({ exitCode: 0 })
  const { infoHashV1: infoHash } = JSON.parse(run.out) as { infoHashV1: string }
  const read = async (site: FederatedSite) =>
    (await (await site.admin(`/api/v1/rollouts/${infoHash}`)).json()) as RolloutInFull
  const announce = (site: FederatedSite, from: string, left: number, event: string) => {
    const hash = infoHash.replaceAll(/../g, (byte) => `%${byte}`)
    const peerId = `-XX0000-${from}`.padEnd(20, '.')
    const query = `info_hash=${hash}&peer_id=${peerId}&port=6881&left=${left}&event=${event}`
    return new Promise<void>((resolve, reject) => {
      request(`${site.announceUrl}?${query}`, { localAddress: from, agent: false }, (response) =>
        response.resume().on('end', () => resolve()),
      )
        .on('error', reject)
        .end()
    })
  }
  await until('ams knows the torrent', async () => (await ams.admin(`/api/v1/torrents/${infoHash}`)).ok)
  return { federation, fra, ams, infoHash, read, announce }
}

describe('a rollout over two sites', () => {
  test('has the same answer at each node, keeps its hosts over restarts, and ends the wait of a pipeline', async () => {
    const { fra, ams, infoHash, read, announce } = await aPublishedTorrent()
    await announce(fra, '127.1.0.1', 0, 'started')
    await announce(ams, '127.2.0.1', SIZE_BYTES, 'started')
    await announce(ams, '127.2.0.2', SIZE_BYTES, 'started')
    await announce(ams, '127.2.0.1', 0, 'completed')
    await until('both sites have the progress', async () => {
      const answers = [await read(fra), await read(ams)]
      return answers.every(({ hosts }) => hosts.complete === 1 && hosts.seen === 2 && hosts.sources === 1)
    })
    const figures = ({ state, percent, hosts, bytes }: RolloutInFull) => ({ state, percent, hosts, bytes })
    const [atFra, atAms] = [await read(fra), await read(ams)]
    expect(figures(atFra)).toEqual(figures(atAms))
    expect(atFra).toMatchObject({ state: 'running', percent: 50, hosts: { expected: 2, sources: 1 } })

    const late = await runCommand(['wait', infoHash, '--url', fra.adminUrl, '--timeout', '1s'])
    expect(late).toMatchObject({ exitCode: 1 })
    const half = await runCommand([
      'wait',
      infoHash,
      '--url',
      fra.adminUrl,
      '--site',
      'ams',
      '--percent',
      '50',
    ])
    expect(half).toMatchObject({ exitCode: 0 })

    // A host of a remote site, from a node of that site.
    const page = (await (
      await fra.admin(`/api/v1/rollouts/${infoHash}/hosts?site=ams&state=complete`)
    ).json()) as {
      hosts: unknown[]
    }
    expect(page.hosts).toMatchObject([{ address: '127.2.0.1', state: 'complete', percent: 100 }])

    // The complete host leaves, and the node of its site restarts.
    await announce(ams, '127.2.0.1', 0, 'stopped')
    await until('the record is written', async () => (await read(ams)).hosts.complete === 1)
    await ams.stop()
    await ams.start()
    await announce(ams, '127.2.0.2', 0, 'completed')
    const watched = runCommand(['status', infoHash, '--url', ams.adminUrl, '--watch'])
    const done = runCommand(['wait', infoHash, '--url', fra.adminUrl, '--timeout', '30s'])
    expect(await done).toMatchObject({ exitCode: 0 })
    expect(await watched).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('all 2 hosts are complete'),
    })
    const status = await runCommand(['status', infoHash, '--url', fra.adminUrl])
    expect(status.exitCode).toBe(0)
    expect(status.out).toContain('all 2 hosts are complete')
  }, 240_000)

  test('keeps its history and its savings over restarts, also after the torrent was removed', async () => {
    const { fra, ams, infoHash, read, announce } = await aPublishedTorrent()
    const savings = async (site: FederatedSite) => {
      const path = '/api/v1/savings?by=site&period=month'
      const { rows } = (await (await site.admin(path)).json()) as { rows: { subject: string }[] }
      return { rows, csv: await (await site.admin(`${path}&format=csv`)).text() }
    }
    await announce(fra, '127.1.0.1', 0, 'started')
    for (const host of ['127.2.0.1', '127.2.0.2']) {
      await announce(ams, host, SIZE_BYTES, 'started')
      await announce(ams, host, 0, 'completed')
    }
    await until('both sites have the end', async () =>
      [await read(fra), await read(ams)].every(({ state }) => state === 'complete'),
    )
    const [before, { completedAt }] = [await savings(fra), await read(ams)]
    expect(before.rows).toMatchObject([{ subject: 'ams', rollouts: 1, downloadedBytes: 2 * SIZE_BYTES }])
    expect(before.csv.split('\r\n')[1]).toMatch(/^\d{4}-\d\d,ams,ams,1,2000000,/)
    expect(await savings(ams)).toEqual(before)

    await fra.admin(`/api/v1/torrents/${infoHash}`, { method: 'DELETE' })
    await until('both sites have the removal', async () =>
      [await read(fra), await read(ams)].every(({ isRegistered }) => !isRegistered),
    )
    for (const site of [fra, ams]) await site.stop()
    for (const site of [fra, ams]) await site.start()
    for (const site of [fra, ams]) {
      await until('the record is read', async () => (await savings(site)).rows.length > 0)
      expect(await savings(site)).toEqual(before)
      expect(await read(site)).toMatchObject({ state: 'complete', isRegistered: false, completedAt })
    }
  }, 240_000)

  test('takes numbers of expected hosts at any node', async () => {
    const { fra, ams, infoHash, read } = await aPublishedTorrent()
    await until('ams has the number of publish', async () => (await read(ams)).hosts.expected === 2)
    const set = await ams.admin(`/api/v1/rollouts/${infoHash}/expect`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hosts: { fra: 7 } }),
    })
    expect(set.status).toBe(200)
    await until('fra has the number', async () => (await read(fra)).hosts.expected === 9)
    const wrong = await fra.admin(`/api/v1/rollouts/${infoHash}/expect`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hosts: { par: 7 } }),
    })
    expect({ status: wrong.status, body: await wrong.json() }).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('"par"') },
    })
  }, 240_000)
})
