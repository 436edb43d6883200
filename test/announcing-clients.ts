/**
 * Clients that announce without pause and record failures, each with a way of real clients to use a site of several nodes.
 * For tests that stop and start nodes.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { fetchOnce } from './a-node.ts'
import { RawConnection } from './raw-connection.ts'

/** A few hundred announces a second, which leaves the processor to the nodes. */
const PAUSE_MS = 5
/** Delay while no node is ready. */
const WAIT_MS = 20

export interface ClientTarget {
  readonly name: string
  readonly announceUrl: string
  readonly adminUrl: string
}

export interface AnnouncingClient {
  /** Failures that a user of the client would see. */
  readonly failures: readonly string[]
  /** Announces that were answered, by the name of the node. */
  readonly answered: ReadonlyMap<string, number>
  /** The node that it uses, or is about to use. */
  readonly using: string | undefined
  stop(): Promise<void>
}

function announceRequest(number: number, connection: 'keep-alive' | 'close'): string {
  const peerId = `-XX0000-${String(number).padStart(12, '0')}`
  const query = `info_hash=${'%ab'.repeat(20)}&peer_id=${peerId}&port=${7000 + number}&left=1000&uploaded=0&downloaded=0&compact=1`
  return `GET /announce?${query} HTTP/1.1\r\nHost: tracker\r\nConnection: ${connection}\r\n\r\n`
}

class Client implements AnnouncingClient {
  readonly failures: string[] = []
  readonly answered = new Map<string, number>()
  using: string | undefined
  isStopping = false
  running: Promise<void> = Promise.resolve()

  count(name: string): void {
    this.answered.set(name, (this.answered.get(name) ?? 0) + 1)
  }

  async stop(): Promise<void> {
    this.isStopping = true
    await this.running
  }
}

const portOf = ({ announceUrl }: ClientTarget) => Number(new URL(announceUrl).port)

async function isReady({ adminUrl }: ClientTarget): Promise<boolean> {
  const answer = await fetchOnce(`${adminUrl}/readyz`).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.ok === true
}

/**
 * Behind a load balancer: a new connection goes to a node that is ready. `using` is set before the readiness check, so that
 * a test that waits for the clients of a drained node sees a client that has already chosen it.
 */
async function chooseReady(
  client: Client,
  targets: readonly ClientTarget[],
  turn: number,
): Promise<ClientTarget | undefined> {
  for (let index = 0; index < targets.length; index++) {
    const target = targets[(turn + index) % targets.length] as ClientTarget
    client.using = target.name
    if (await isReady(target)) return target
  }
  client.using = undefined
  return undefined
}

/** Keeps its connection, as Transmission does, until a response with `Connection: close`. */
export function aKeepAliveClient(number: number, targets: readonly ClientTarget[]): AnnouncingClient {
  return start(async (client, turn) => {
    const target = await chooseReady(client, targets, turn + number)
    if (target === undefined) return
    const connection = await RawConnection.open(portOf(target), `127.1.1.${number}`)
    for (let isKept = true; isKept && !client.isStopping; await pause(PAUSE_MS)) {
      connection.write(announceRequest(number, 'keep-alive'))
      const response = await connection.response()
      if (response?.body.startsWith('d8:complete') !== true)
        throw new Error(`${target.name}: ${response?.body ?? 'closed without a response'}`)
      client.count(target.name)
      isKept = response.headers.get('connection') !== 'close'
    }
    connection.destroy()
  })
}

/** A connection for each announce, as aria2 and libtorrent do. */
export function aFreshClient(number: number, targets: readonly ClientTarget[]): AnnouncingClient {
  return start(async (client, turn) => {
    const target = await chooseReady(client, targets, turn)
    if (target === undefined) return
    if (!(await announceOnce(target, number))) throw new Error(`${target.name}: closed without a response`)
    client.count(target.name)
  })
}

/**
 * Without a load balancer: the nodes are one tier of trackers. The client keeps the tracker that answered, and tries the
 * next one after a failure. An announce fails only if the whole tier fails.
 */
export function aTierClient(number: number, targets: readonly ClientTarget[]): AnnouncingClient {
  let current = number % targets.length
  return start(async (client) => {
    for (let tried = 0; tried < targets.length; tried++) {
      const target = targets[current] as ClientTarget
      client.using = target.name
      if (await announceOnce(target, number).catch(() => false)) return client.count(target.name)
      current = (current + 1) % targets.length
    }
    throw new Error('no tracker of the tier answered')
  })
}

async function announceOnce(target: ClientTarget, number: number): Promise<boolean> {
  const connection = await RawConnection.open(portOf(target), `127.1.1.${number}`)
  connection.write(announceRequest(number, 'close'))
  const response = await connection.response()
  connection.destroy()
  return response?.body.startsWith('d8:complete') === true
}

/** Runs one round after the other until `stop`; `turn` counts them. */
function start(round: (client: Client, turn: number) => Promise<void>): AnnouncingClient {
  const client = new Client()
  const run = async () => {
    for (let turn = 0; !client.isStopping; turn++) {
      await round(client, turn).catch((error: unknown) => client.failures.push(String(error)))
      const isIdle = client.using === undefined
      client.using = undefined
      await pause(isIdle ? WAIT_MS : PAUSE_MS)
    }
  }
  client.running = run()
  return client
}
