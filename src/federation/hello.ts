/**
 * Reads the greeting of another node and disconnects: it shows that a URL belongs to a node of the expected site, and that
 * this node accepts the token or the certificate.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { createGunzip } from 'node:zlib'
import { certifiedSite, type SiteCredentials, siteRequestOptions } from '../core/site-credentials.ts'
import { type Message, MessageReader } from './messages.ts'

export interface HelloRequest {
  /** URL of the admin listener of the node. */
  readonly url: string
  readonly credentials: SiteCredentials
  /** Sent to the node as the name of the subscriber. */
  readonly site: string
  readonly signal: AbortSignal
}

export interface Hello {
  /** Status of the HTTP response. */
  readonly status: number
  /** The site of the node; undefined if the response is not a federation stream. */
  readonly site: string | undefined
  /** The site that the certificate of the node names; undefined for none, and without TLS. */
  readonly certifiedSite: string | undefined
}

/** Rejects if the node cannot be reached, is not trusted, or does not respond before the signal. */
export async function readHello(request: HelloRequest): Promise<Hello> {
  const response = await respond(request)
  const hello = { status: response.statusCode ?? 0, certifiedSite: certifiedSite(response.socket) }
  try {
    const first = hello.status === 200 ? await firstMessage(response) : undefined
    return { ...hello, site: first?.type === 'hello' ? first.site : undefined }
  } finally {
    response.destroy()
  }
}

function respond({ url, credentials, site, signal }: HelloRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const target = new URL('federation/v1/stream', url.endsWith('/') ? url : `${url}/`)
    target.searchParams.set('site', site)
    const open = target.protocol === 'https:' ? requestHttps : requestHttp
    // The caller compares the sites, and reports both.
    const request = open(target, { ...siteRequestOptions(credentials, undefined), signal, agent: false })
    request.on('error', reject).on('response', resolve).end()
  })
}

/** undefined if the body is not a stream of messages. */
async function firstMessage(response: IncomingMessage): Promise<Message | undefined> {
  const reader = new MessageReader()
  const messages: Message[] = []
  const stream = response.pipe(createGunzip())
  response.on('error', (error) => stream.destroy(error))
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const isReadable = reader.read(chunk, (message) => messages.push(message))
      if (messages.length > 0 || !isReadable) break
    }
  } catch (error) {
    // For example a web page at a URL that does not lead to a node.
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_') !== true) throw error
  }
  return messages[0]
}
