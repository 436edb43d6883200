/**
 * One request to a UDP tracker, as a client sends it: a connect, the request with the received connection id, and the
 * response.
 *
 * The socket is connected: only datagrams from the tracker's address are read, as by libtorrent and aria2, and a closed
 * port is reported at once.
 */
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { parseAddress } from '../core/address.ts'
import { elapsedMs } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { readConnectResponse, writeConnect } from '../wire/udp/connect.ts'
import { actions, isResponse, type RequestHead } from '../wire/udp/header.ts'
import { explainUnreachable, TrackerUnreachable } from './http-request.ts'

export interface UdpTrackerRequest {
  /** With a port; `write` uses path and query. */
  readonly url: URL
  /** Local address of the socket; the system's choice where undefined. */
  readonly from: string | undefined
  readonly signal: AbortSignal
  readonly action: number
  readonly write: (head: RequestHead) => Buffer
}

export interface UdpTrackerResponse {
  /** A response with the action of the request, or an error. */
  readonly packet: Buffer
  readonly isError: boolean
  /** The family determines the length of a peer. */
  readonly isV4: boolean
  readonly elapsedMs: number
}

/** As over HTTP: the deadline of WebTorrent and anacrolix. */
const DEADLINE_MS = 15_000

/** The retry interval of aria2. One datagram may be lost; without a response to the second one, the tracker is down. */
const RETRY_MS = 5_000

/** Rejects with `TrackerUnreachable`. */
export async function requestUdpTracker(request: UdpTrackerRequest): Promise<UdpTrackerResponse> {
  const startMs = elapsedMs()
  const { from, url } = request
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(DEADLINE_MS)])
  let socket: Socket | undefined
  try {
    const { address, family } = await lookup(url.hostname.replace(/^\[|\]$/g, ''), {
      family: from === undefined ? 0 : from.includes(':') ? 6 : 4,
    })
    socket = await connectSocket({ address, family, port: Number(url.port) }, from, signal)
    const response = await exchange(socket, request, signal)
    const isV4 = parseAddress(address)?.isV4 ?? family === 4
    return { ...response, isV4, elapsedMs: elapsedMs() - startMs }
  } catch (error) {
    if (error instanceof TrackerUnreachable) throw error
    throw new TrackerUnreachable(explainUnreachable(error as Error, { from, signal }))
  } finally {
    socket?.close()
  }
}

async function connectSocket(
  to: { readonly address: string; readonly family: number; readonly port: number },
  from: string | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = createSocket(to.family === 6 ? 'udp6' : 'udp4')
  try {
    socket.bind({ port: 0, ...(from === undefined ? {} : { address: from }) })
    await once(socket, 'listening', { signal })
    socket.connect(to.port, to.address)
    await once(socket, 'connect', { signal })
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

async function exchange(
  socket: Socket,
  { action, write }: UdpTrackerRequest,
  signal: AbortSignal,
): Promise<{ readonly packet: Buffer; readonly isError: boolean }> {
  const random = systemRandom()
  const connecting = random.below(0x1_0000_0000)
  const connected = await send(socket, writeConnect(connecting), actions.connect, connecting, signal)
  if (connected.isError) return connected
  const connectionId = readConnectResponse(connected.packet)
  if (connectionId === undefined)
    throw new TrackerUnreachable('its response to the connect has no connection id')
  const transactionId = random.below(0x1_0000_0000)
  return send(socket, write({ connectionId, transactionId }), action, transactionId, signal)
}

/** Sends the request, and once more without a response; datagrams that are not a response to it are skipped. */
function send(
  socket: Socket,
  request: Buffer,
  action: number,
  transactionId: number,
  signal: AbortSignal,
): Promise<{ readonly packet: Buffer; readonly isError: boolean }> {
  return new Promise((resolve, reject) => {
    const again = setTimeout(() => socket.send(request), RETRY_MS)
    const finish = () => {
      clearTimeout(again)
      socket.off('message', receive).off('error', fail)
      signal.removeEventListener('abort', abort)
    }
    const receive = (packet: Buffer) => {
      const isError = isResponse(packet, actions.error, transactionId)
      if (!isError && !isResponse(packet, action, transactionId)) return
      finish()
      resolve({ packet, isError })
    }
    const fail = (error: Error) => {
      finish()
      reject(error)
    }
    const abort = () => fail(new Error('aborted'))
    socket.on('message', receive).on('error', fail)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    else socket.send(request)
  })
}
