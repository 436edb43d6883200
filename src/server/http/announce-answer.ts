/** The answer to an announce, as bytes of a response: the same for the lane and for the objects of Node. */
import { systemClock } from '../../core/clock.ts'

/** 503: the node is full or drains, and the client should use another one at once. */
export interface AnnounceAnswer {
  readonly status: 200 | 503
  /** One character a byte. */
  readonly body: string
}

/** What Node sends for the same answer, headers in its order. `keeps`: the connection stays open. */
export function writeAnswer({ status, body }: AnnounceAnswer, keeps: boolean): string {
  return (
    (status === 200 ? 'HTTP/1.1 200 OK' : 'HTTP/1.1 503 Service Unavailable') +
    `\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nDate: ${currentDate()}\r\n` +
    (keeps ? 'Connection: keep-alive\r\n\r\n' : 'Connection: close\r\n\r\n') +
    body
  )
}

let dateSecond = Number.NaN
let dateText = ''

/** RFC 9110 §6.6.1 requires the date. Its text is written once a second. */
function currentDate(): string {
  const second = Math.floor(systemClock.nowMs() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date(second * 1000).toUTCString()
  }
  return dateText
}
