/**
 * The tracker's UDP listener: one socket, its limits, and the way from a datagram to its answer.
 *
 * Answers leave through the socket on which the request came, so a listener on one address answers from that
 * address. libtorrent and aria2 drop answers from another one, which is what a listener on
 * 0.0.0.0 may send on a machine with several addresses in one network: there, each needs a listener of its own.
 *
 * Nothing is kept between datagrams, so there is nothing to drain: until it stops, it answers.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { setTimeout } from 'node:timers/promises'
import { parseAddress } from '../../core/address.ts'
import { assert } from '../../core/assert.ts'
import { UdpHandler, type UdpHandlerInit, type UdpDrops } from './udp-handler.ts'

/**
 * What the kernel keeps while we are busy: 2,000 datagrams, 100 ms at 20,000 a second. Linux grants as much as
 * net.core.rmem_max allows, without complaint.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** Answers that the kernel did not take yet. More of them come too late: clients wait 5 to 15 s and ask again. */
const SEND_QUEUE_BYTES_MAX = 1024 * 1024

/** How often a listener that stops looks whether its last answers are gone. */
const STOP_LOOK_MS = 10

export interface UdpServerDrops extends UdpDrops {
  /** Answers that could not be sent, because too many were waiting already. */
  readonly unsent: number
}

export class UdpServer {
  readonly #options: UdpHandlerInit
  readonly #answers: UdpHandler
  #socket: Socket | undefined
  #unsent = 0

  constructor(options: UdpHandlerInit) {
    this.#options = options
    this.#answers = new UdpHandler(options)
  }

  /** Datagrams that were not answered, by why. */
  get drops(): UdpServerDrops {
    return { ...this.#answers.drops, unsent: this.#unsent }
  }

  /** Returns the port, which is the system's choice for port 0. Rejects where the address cannot be had. */
  async start(at: { readonly host: string; readonly port: number }): Promise<number> {
    const family = at.host.includes(':') ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Only ever given numeric addresses. Node's own lookup costs each answer 1 to 4 µs, of 16 (bench/udp-announces.ts).
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
    // From here on this is a datagram that could not be received, for want of memory mostly. The next may be.
    socket.on('error', (error) => {
      this.#options.log.error({ event: 'receive-failed', err: error }, 'a datagram could not be received')
    })
    socket.on('message', (packet, from) => this.#receive(socket, packet, from))
    this.#socket = socket
    return socket.address().port
  }

  /** Receives nothing more at once, and waits until the deadline for the kernel to take the last answers. */
  async stop(deadlineMs: number): Promise<void> {
    const socket = this.#socket
    if (socket === undefined) return
    this.#socket = undefined
    socket.removeAllListeners('message')
    const deadline = AbortSignal.timeout(deadlineMs)
    while (socket.getSendQueueCount() > 0 && !deadline.aborted) await setTimeout(STOP_LOOK_MS)
    await new Promise<void>((resolve) => socket.close(() => resolve()))
  }

  #receive(socket: Socket, packet: Buffer, { address, port }: RemoteInfo): void {
    const from = parseAddress(address)
    assert(from !== undefined, 'the kernel writes addresses as we read them')
    const answer = this.#answers.answer(packet, from, port)
    if (answer instanceof Promise) void answer.then((later) => this.#sendLater(socket, later, address, port))
    else if (answer !== undefined) this.#send(socket, answer, address, port)
  }

  /** The listener may have been stopped meanwhile, and its socket closed. */
  #sendLater(socket: Socket, answer: Buffer, address: string, port: number): void {
    if (this.#socket === socket) this.#send(socket, answer, address, port)
  }

  #send(socket: Socket, answer: Buffer, address: string, port: number): void {
    if (socket.getSendQueueSize() > SEND_QUEUE_BYTES_MAX) {
      this.#unsent++
      return
    }
    // Without a callback: an answer that the kernel refuses is lost like one that the network loses.
    socket.send(answer, port, address)
  }
}
