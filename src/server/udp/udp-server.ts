/**
 * The tracker's UDP listener: one socket and its limits.
 *
 * Responses leave through the socket that received the request, so a listener on one address responds from that address.
 * libtorrent and aria2 drop responses from another address, which a listener on 0.0.0.0 may use on a machine with several
 * addresses in one network: there, each address needs a listener of its own.
 *
 * There is no state between datagrams and nothing to drain: the listener answers until it stops.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { setTimeout } from 'node:timers/promises'
import { type Address, parseAddress } from '../../core/address.ts'
import { assert } from '../../core/assert.ts'
import { BusySources } from './busy-sources.ts'
import { UdpHandler, type UdpHandlerInit, type UdpDrops } from './udp-handler.ts'

/**
 * Datagrams that the kernel keeps while the process is busy: 2,000, which is 100 ms at 20,000 a second. Linux silently
 * reduces it to net.core.rmem_max.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** Responses that wait for the kernel. More of them would arrive too late: clients retry after 5 to 15 s. */
const SEND_QUEUE_BYTES_MAX = 1024 * 1024

/** Poll interval for the end of the send queue when the listener stops. */
const STOP_POLL_MS = 10

export interface UdpServerDrops extends UdpDrops {
  /** Responses that were dropped because the send queue was full. */
  readonly unsent: number
}

export class UdpServer {
  readonly #log: UdpHandlerInit['log']
  readonly #handler: UdpHandler
  readonly #busy: BusySources
  #socket: Socket | undefined
  #unsent = 0

  constructor(init: UdpHandlerInit) {
    this.#log = init.log
    this.#handler = new UdpHandler(init)
    this.#busy = new BusySources(init.clock)
  }

  /** Datagrams without a response, by cause. */
  get drops(): UdpServerDrops {
    const { limited, ...others } = this.#handler.drops
    return { ...others, limited: limited + this.#busy.dropped, unsent: this.#unsent }
  }

  /** Returns the port, which the system chooses for port 0. Rejects if the address is not available. */
  async start(at: { readonly host: string; readonly port: number }): Promise<number> {
    const family = at.host.includes(':') ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // All addresses are numeric. Node's own lookup costs 1 to 4 of the 16 µs of a response (bench/udp-announces.ts).
      lookup: (address, _options, callback) => callback(null, address, family),
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close()
        reject(error)
      })
      socket.bind({ address: at.host, port: at.port }, () => {
        socket.removeAllListeners('error')
        resolve()
      })
    })
    // From here on, an error is a datagram that could not be received, usually because memory is short; the next one may be.
    socket.on('error', (error) => {
      this.#log.error({ event: 'receive-failed', err: error }, 'a datagram could not be received')
    })
    socket.on('message', (packet, from) => this.#receive(socket, packet, from))
    this.#socket = socket
    return socket.address().port
  }

  /** Stops receiving at once, and waits until the deadline for the kernel to send the last responses. */
  async stop(deadlineMs: number): Promise<void> {
    const socket = this.#socket
    if (socket === undefined) return
    this.#socket = undefined
    socket.removeAllListeners('message')
    const deadline = AbortSignal.timeout(deadlineMs)
    while (socket.getSendQueueCount() > 0 && !deadline.aborted) await setTimeout(STOP_POLL_MS)
    await new Promise<void>((resolve) => socket.close(() => resolve()))
  }

  #receive(socket: Socket, packet: Buffer, { address, port }: RemoteInfo): void {
    const from = parseAddress(address)
    assert(from !== undefined, 'Node reports source addresses as parseAddress reads them')
    if (this.#handler.isRefused(from)) return
    this.#busy.take(from, () => {
      if (this.#socket === socket) this.#answer(socket, packet, from, { address, port })
    })
  }

  #answer(
    socket: Socket,
    packet: Buffer,
    from: Address,
    { address, port }: Pick<RemoteInfo, 'address' | 'port'>,
  ): void {
    const response = this.#handler.answer(packet, from, port)
    if (response instanceof Promise)
      void response.then((deferred) => this.#sendDeferred(socket, deferred, address, port))
    else if (response !== undefined) this.#send(socket, response, address, port)
  }

  /** The listener may have stopped meanwhile and closed its socket. */
  #sendDeferred(socket: Socket, response: Buffer, address: string, port: number): void {
    if (this.#socket === socket) this.#send(socket, response, address, port)
  }

  #send(socket: Socket, response: Buffer, address: string, port: number): void {
    if (socket.getSendQueueSize() > SEND_QUEUE_BYTES_MAX) {
      this.#unsent++
      return
    }
    // Without a callback: a response that the kernel refuses is lost like one that the network loses.
    socket.send(response, port, address)
  }
}
