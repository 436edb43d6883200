/** One request from a loopback address of choice, on a connection of its own. */
import { type IncomingHttpHeaders, request } from 'node:http'

export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** One character a byte. */
  readonly body: string
}

export function requestFrom(
  from: string,
  url: string,
  options: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Received> {
  return new Promise((resolve, reject) => {
    request(url, { ...options, localAddress: from, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      )
    })
      .on('error', reject)
      .end()
  })
}
