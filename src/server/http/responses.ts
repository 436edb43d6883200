/** One line of text as an HTTP answer, for people and scripts. */
import type { ServerResponse } from 'node:http'

export function answerText(
  response: ServerResponse,
  status: number,
  line: string,
  headers: Readonly<Record<string, string | number>> = {},
): void {
  const body = Buffer.from(`${line}\n`)
  // A HEAD gets the same headers; Node leaves the body out.
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    ...headers,
  })
  response.end(body)
}
