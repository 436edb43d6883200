/**
 * Places of open event streams: one for each connection, a number for each source, which is an IPv4 address or the /64 of
 * an IPv6 address, and a number for all.
 *
 * Threat: a holder of the token that may only read keeps all places. A source has a limit. When all places are taken
 * nevertheless, a new stream closes the oldest one of the source with the most, unless its own source has as many: a
 * holder with several addresses keeps no other source out either. A connection has one place, because requests behind a stream on the same
 * connection wait for its end, which is that of the connection.
 */
import type { Socket } from 'node:net'
import { ApiError } from '../api-error.ts'

/** Each is an open connection. */
const STREAMS_MAX = 64
/** A page has one, and an operator has a few; behind a proxy that is not trusted, several operators are one source. */
const STREAMS_PER_SOURCE_MAX = 16
const RETRY_AFTER_SECONDS = 10

export class StreamPlaces {
  /** The oldest one first. */
  readonly #sources = new Map<Socket, string>()

  /** Until the connection closes. Rejects the request if there is no place for it. */
  take(socket: Socket, source: string): void {
    const own = this.#of(source).length
    if (own >= STREAMS_PER_SOURCE_MAX || this.#sources.has(socket))
      throw new ApiError(
        429,
        'too-many-own-streams',
        `this address has ${own} event streams, of ${STREAMS_PER_SOURCE_MAX} that it may have, one over each connection; close some`,
        RETRY_AFTER_SECONDS,
      )
    if (this.#sources.size >= STREAMS_MAX) this.#oldestOfHeaviest(own).destroy()
    this.#sources.set(socket, source)
    socket.once('close', () => this.#sources.delete(socket))
  }

  #of(source: string): Socket[] {
    return [...this.#sources].filter(([, each]) => each === source).map(([socket]) => socket)
  }

  #oldestOfHeaviest(own: number): Socket {
    const heaviest = [...new Set(this.#sources.values())]
      .map((source) => this.#of(source))
      .reduce((most, each) => (each.length > most.length ? each : most))
    const [oldest] = heaviest
    if (oldest === undefined || heaviest.length < own + 2)
      throw new ApiError(
        503,
        'too-many-streams',
        `${STREAMS_MAX} event streams are open, and no address has more than this one; close some`,
        RETRY_AFTER_SECONDS,
      )
    this.#sources.delete(oldest)
    return oldest
  }
}
