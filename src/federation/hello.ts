/**
 * Reads the greeting of another node and disconnects: it shows that a URL belongs to a node of the expected site, and that
 * this node accepts the token.
 */
import { type Message, MessageReader } from './messages.ts'

export interface HelloRequest {
  /** URL of the admin listener of the node. */
  readonly url: string
  readonly token: string
  /** Sent to the node as the name of the subscriber. */
  readonly site: string
  readonly signal: AbortSignal
}

export interface Hello {
  /** Status of the HTTP response. */
  readonly status: number
  /** The site of the node; undefined if the response is not a federation stream. */
  readonly site: string | undefined
}

/** Rejects if the node cannot be reached, or does not respond before the signal. */
export async function readHello({ url, token, site, signal }: HelloRequest): Promise<Hello> {
  const target = new URL('federation/v1/stream', url.endsWith('/') ? url : `${url}/`)
  target.searchParams.set('site', site)
  const response = await fetch(target, {
    headers: { authorization: `Bearer ${token}` },
    redirect: 'manual',
    signal,
  })
  const { status, body } = response
  if (status !== 200 || body === null) {
    await body?.cancel()
    return { status, site: undefined }
  }
  const first = await firstMessage(body)
  return { status, site: first?.type === 'hello' ? first.site : undefined }
}

/** Leaving the loop cancels the stream. */
async function firstMessage(body: AsyncIterable<Uint8Array>): Promise<Message | undefined> {
  const reader = new MessageReader()
  const messages: Message[] = []
  for await (const chunk of body) {
    const isReadable = reader.read(Buffer.from(chunk), (message) => messages.push(message))
    if (messages.length > 0 || !isReadable) break
  }
  return messages[0]
}
