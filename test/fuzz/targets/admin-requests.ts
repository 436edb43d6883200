/** Requests with a body to a real admin listener: JSON that zod checks, torrents, and topology files. */
import { ok, strictEqual } from 'node:assert'
import { Agent, request } from 'node:http'
import { PROBLEM_TYPE } from '../../../src/server/admin/api-error.ts'
import { AdminServer } from '../../../src/server/admin/admin-server.ts'
import { AWKWARD_INFO_HASH, aTorrent, PLAIN_TORRENT } from '../../a-torrent.ts'
import { anAdminContext } from '../../an-admin-context.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

/*
  Input => route*1 body    modulo the number of routes
*/
const ROUTES = [
  ['POST', '/api/v1/links/fra/ams', 'application/json'],
  ['PUT', `/api/v1/rollouts/${AWKWARD_INFO_HASH}/expect`, 'application/json'],
  ['PATCH', `/api/v1/rollouts/${AWKWARD_INFO_HASH}/expect`, 'application/json'],
  ['POST', '/api/v1/torrents', 'application/x-bittorrent'],
  ['POST', '/api/v1/topology/check', 'application/yaml'],
  ['POST', '/api/v1/drain', 'application/json'],
  ['POST', `/api/v1/rollouts/${AWKWARD_INFO_HASH}/hold`, 'application/json'],
  ['GET', `/api/v1/rollouts/${AWKWARD_INFO_HASH}/plan`, 'application/json'],
] as const
/** The first ones set what the plan reads. */
const PLANNED = 3
const PLAN = Buffer.of(ROUTES.length - 1)

const body = (route: number, text: string | Buffer): Buffer =>
  Buffer.concat([Buffer.of(route), typeof text === 'string' ? Buffer.from(text) : text])

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

type Admin = Awaited<ReturnType<typeof open>>

/** Opened by the first input. */
let opened: Promise<Admin> | undefined

async function open() {
  const { context, registry, store, log } = anAdminContext()
  const server = new AdminServer(context)
  const port = await server.start({ host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = (input: Buffer): Promise<Answer> => {
    const [method, path, type] = ROUTES[(input[0] ?? 0) % ROUTES.length] ?? ROUTES[0]
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': type, 'content-length': Math.max(0, input.length - 1) }
      const outgoing = request({ host: '127.0.0.1', port, method, path, agent, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text })
        })
      })
      outgoing.on('error', reject).end(input.subarray(1))
    })
  }
  const close = async () => {
    agent.destroy()
    await server.stop()
  }
  return { registry, store, log, send, close }
}

/** Exactly one torrent is registered, so that an input has the same effect each time. */
async function reset({ registry, store, log }: Admin): Promise<void> {
  log.length = 0
  for (const registration of registry.list())
    if (registration.infoHashes[0]?.toString('hex') !== AWKWARD_INFO_HASH) await registry.remove(registration)
  // The store keeps the time of each removal.
  ;(store.removals() as Map<string, number>).clear()
  if (registry.list().length === 0) await registry.register(aTorrent(), undefined)
}

export const adminRequests: FuzzTarget = {
  name: 'admin-requests',
  bytesMax: 1_024,
  tokens: [
    '{',
    '}',
    '[',
    '"rate":',
    '"hosts":',
    '"fra"',
    '"ams/row-a"',
    'null',
    'true',
    '1e999',
    '"__proto__":',
    '"constructor":',
    '"200Mbit"',
    'd4:infod',
    '12:piece lengthi16384e',
    'sites:\n',
    '  fra: { cidrs: [10.0.0.0/8] }\n',
  ],
  examples: [
    body(0, '{"rate": "200Mbit"}'),
    body(0, '{"rate": null}'),
    body(1, '{"hosts": {"fra": 600, "ams/row-a": 40}}'),
    body(2, '{"hosts": {"fra": null}}'),
    body(3, PLAIN_TORRENT),
    body(3, aTorrent()),
    body(4, 'sites: { fra: { cidrs: [127.1.0.0/16] }, ams: { cidrs: [127.2.0.0/16] } }\n'),
    body(5, ''),
    body(6, '{}'),
  ],
  async read(input) {
    const admin = await (opened ??= open())
    await reset(admin)
    requireDocumented(await admin.send(input))
    if ((input[0] ?? 0) % ROUTES.length < PLANNED) requireDocumented(await admin.send(PLAN))
    ok(!admin.log.some(({ level }) => level === 'error'), 'the listener logs an error')
  },
  async close() {
    await (await opened)?.close()
    opened = undefined
  },
}

function requireDocumented({ status, type, text }: Answer): void {
  ok((status >= 200 && status < 300) || (status >= 400 && status < 500), `status ${status}: ${text}`)
  const answer = JSON.parse(text) as Readonly<Record<string, unknown>>
  if (status >= 400) {
    ok(type.startsWith(PROBLEM_TYPE))
    strictEqual(answer['status'], status)
    ok(typeof answer['code'] === 'string' && typeof answer['detail'] === 'string')
  }
}
