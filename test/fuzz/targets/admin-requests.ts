/** Requests with a body to a real admin listener: JSON that zod checks, torrents, and topology files. */
import { ok, strictEqual } from 'node:assert'
import { PROBLEM_TYPE } from '../../../src/server/admin/api-error.ts'
import { AdminServer } from '../../../src/server/admin/admin-server.ts'
import { AWKWARD_INFO_HASH, aTorrent, PLAIN_TORRENT } from '../../a-torrent.ts'
import { anAdminContext } from '../../an-admin-context.ts'
import { RawConnection } from '../../raw-connection.ts'
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
  let connection = await RawConnection.open(port)
  const send = async (input: Buffer): Promise<Answer> => {
    const [method, path, type] = ROUTES[(input[0] ?? 0) % ROUTES.length] ?? ROUTES[0]
    const body = input.subarray(1)
    const head = `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`
    const bytes = Buffer.concat([Buffer.from(head), body])
    connection.write(bytes)
    let response = await connection.response()
    if (response === undefined) {
      // The listener closes a connection that was idle for some seconds.
      connection = await RawConnection.open(port)
      connection.write(bytes)
      response = await connection.response()
    }
    ok(response !== undefined, 'the listener closes the connection')
    const { statusLine, headers, body: text } = response
    // After a body that is not JSON.
    if (headers.get('connection') === 'close') connection = await RawConnection.open(port)
    const status = Number(statusLine.split(' ')[1])
    return { status, type: headers.get('content-type') ?? '', text: Buffer.from(text, 'latin1').toString() }
  }
  const close = async () => {
    connection.destroy()
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
  batchMax: 256,
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
    const answer = await admin.send(input)
    requireDocumented(answer)
    const isChanged = answer.status < 300 && (input[0] ?? 0) % ROUTES.length < PLANNED
    if (isChanged) requireDocumented(await admin.send(PLAN))
    ok(!admin.log.some(({ level }) => level === 'error'), 'the listener logs an error')
  },
  async close() {
    await (await opened)?.close()
    opened = undefined
  },
}

function requireDocumented({ status, type, text }: Answer): void {
  ok(status !== 401 && status !== 403, `the request does not reach its route: ${text}`)
  ok((status >= 200 && status < 300) || (status >= 400 && status < 500), `status ${status}: ${text}`)
  const answer = JSON.parse(text) as Readonly<Record<string, unknown>>
  if (status >= 400) {
    ok(type.startsWith(PROBLEM_TYPE))
    strictEqual(answer['status'], status)
    ok(typeof answer['code'] === 'string' && typeof answer['detail'] === 'string')
  }
}
