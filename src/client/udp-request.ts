/**
 * One question to a UDP tracker, as a client asks it: a connect, the request with the connection id that came back,
 * and the answer.
 *
 * The socket is connected, so only what comes from where we sent to is read, as libtorrent and aria2 do it, and a
 * closed port is reported at once.
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

export interface UdpQuestion {
  /** With a port; path and query are for whoever writes the request. */
  readonly url: URL
  /** Local address to speak from; the system's choice where undefined. */
  readonly from: string | undefined
  readonly signal: AbortSignal
  readonly action: number
  readonly write: (head: RequestHead) => Buffer
}

export interface UdpTrackerAnswer {
  /** Of the action that was asked for, or an error. */
  readonly packet: Buffer
  readonly isError: boolean
  /** The family decides how long a peer is. */
  readonly isV4: boolean
  readonly elapsedMs: number
}

/** As over HTTP; WebTorrent and anacrolix give up after as long. */
const DEADLINE_MS = 15_000

/** When aria2 sends the same once more. A datagram may be lost; two in a row are a tracker that is not there. */
const RETRY_MS = 5_000

/** Rejects with `TrackerUnreachable`. */
export async function askUdpTracker(question: UdpQuestion): Promise<UdpTrackerAnswer> {
  const startMs = elapsedMs()
  const { from, url } = question
  const signal = AbortSignal.any([question.signal, AbortSignal.timeout(DEADLINE_MS)])
  let socket: Socket | undefined
  try {
    const { address, family } = await lookup(url.hostname.replace(/^\[|\]$/g, ''), {
      family: from === undefined ? 0 : from.includes(':') ? 6 : 4,
    })
    socket = await connectSocket({ address, family, port: Number(url.port) }, from, signal)
    const asked = await exchange(socket, question, signal)
    const isV4 = parseAddress(address)?.isV4 ?? family === 4
    return { ...asked, isV4, elapsedMs: elapsedMs() - startMs }
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
  { action, write }: UdpQuestion,
  signal: AbortSignal,
): Promise<{ readonly packet: Buffer; readonly isError: boolean }> {
  const random = systemRandom()
  const connecting = random.below(0x1_0000_0000)
  const connected = await ask(socket, writeConnect(connecting), actions.connect, connecting, signal)
  if (connected.isError) return connected
  const connectionId = readConnectResponse(connected.packet)
  if (connectionId === undefined)
    throw new TrackerUnreachable('its answer to the connect has no connection id')
  const transactionId = random.below(0x1_0000_0000)
  return ask(socket, write({ connectionId, transactionId }), action, transactionId, signal)
}

/** Sends the request, and once more if nothing came; whatever is no answer to it is passed over. */
function ask(
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
      socket.off('message', hear).off('error', fail)
      signal.removeEventListener('abort', abort)
    }
    const hear = (packet: Buffer) => {
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
    socket.on('message', hear).on('error', fail)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    else socket.send(request)
  })
}
