/**
 * Restart of the nodes of a site one after the other, as for an update, while clients announce throughout. No client gets a
 * failure.
 */
import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type AnnouncingClient, aFreshClient, aKeepAliveClient, aTierClient } from '../announcing-clients.ts'
import { announceFrom, fetchOnce } from '../a-node.ts'
import { until } from '../a-redis.ts'
import { aStack, nodeNamed } from '../a-stack.ts'
import { RawConnection } from '../raw-connection.ts'
import { needs } from '../setup/needs.ts'

const PATIENCE_MS = 240_000
const DEADLINE_MS = 60_000

const running: AnnouncingClient[] = []
afterEach(async () => void (await Promise.all(running.splice(0).map((client) => client.stop()))))

function theseClients<T extends AnnouncingClient>(...clients: readonly T[]): readonly T[] {
  running.push(...clients)
  return clients
}

describe.skipIf(needs('redis-server'))('a site whose nodes are restarted one after the other', () => {
  test('answers every announce of clients behind a load balancer', { timeout: PATIENCE_MS }, async () => {
    const stack = await aStack()
    const nodes = [nodeNamed(stack, 'fra-1'), nodeNamed(stack, 'fra-2')]
    await announceFrom(nodeNamed(stack, 'fra-1'), '127.1.2.5', { left: 0 })
    const clients = theseClients(
      ...[1, 2, 3, 4].map((number) => aKeepAliveClient(number, nodes)),
      ...[5, 6, 7, 8].map((number) => aFreshClient(number, nodes)),
    )
    const answeredBy = (name: string) =>
      clients.reduce((sum, client) => sum + (client.answered.get(name) ?? 0), 0)
    for (const node of nodes) {
      await until(DEADLINE_MS, `clients use ${node.name}`, () => answeredBy(node.name) > 20)
      await fetchOnce(`${node.adminUrl}/api/v1/drain`, { method: 'POST' })
      await until(DEADLINE_MS, `clients leave ${node.name}`, () =>
        clients.every(({ using }) => using !== node.name),
      )
      expect(await node.stop()).toBe(0)
      const before = answeredBy(node.name)
      await node.start()
      await until(DEADLINE_MS, `clients use ${node.name} again`, () => answeredBy(node.name) > before + 20)
    }
    await Promise.all(clients.map((client) => client.stop()))
    expect(clients.flatMap(({ failures }) => failures)).toEqual([])
    // The seed, which announced to the first node before the restarts.
    for (const node of nodes) expect(await announceFrom(node, '127.1.2.9')).toContain('8:completei1e')
  })

  test(
    'answers every announce of clients that have its nodes as a tier',
    { timeout: PATIENCE_MS },
    async () => {
      const stack = await aStack()
      const nodes = [nodeNamed(stack, 'fra-1'), nodeNamed(stack, 'fra-2')]
      const clients = theseClients(...[1, 2, 3, 4, 5, 6].map((number) => aTierClient(number, nodes)))
      for (const node of nodes) {
        const others = () =>
          clients.reduce(
            (sum, { answered }) =>
              sum + [...answered].reduce((all, [name, count]) => (name === node.name ? all : all + count), 0),
            0,
          )
        expect(await node.stop()).toBe(0)
        const before = others()
        await until(DEADLINE_MS, 'the other node answers', () => others() > before + 20)
        await node.start()
      }
      await Promise.all(clients.map((client) => client.stop()))
      expect(clients.flatMap(({ failures }) => failures)).toEqual([])
    },
  )
})

describe.skipIf(needs('redis-server'))('a node that is stopped', () => {
  test('finishes pending requests, and its log is complete', { timeout: PATIENCE_MS }, async () => {
    const stack = await aStack()
    const node = nodeNamed(stack, 'fra-1')
    const connection = await RawConnection.open(Number(new URL(node.announceUrl).port), '127.1.1.1')
    const request = `GET /announce?info_hash=${'%ab'.repeat(20)}&peer_id=-XX0000-000000000001&port=6881&left=5 HTTP/1.1\r\nHost: t\r\n\r\n`
    connection.write(request.slice(0, 40))
    await fetchOnce(`${node.adminUrl}/api/v1/drain`, { method: 'POST' })
    const stopped = node.stop()
    connection.write(request.slice(40))
    const response = await connection.response()
    expect(response?.body).toMatch(/^d8:complete/)
    expect(response?.headers.get('connection')).toBe('close')
    expect(await stopped).toBe(0)
    expect(await connection.closed()).toBe('')
    expect((await readFile(node.logPath, 'utf8')).trimEnd().split('\n').at(-1)).toContain('"event":"stopped"')
  })
})
