/**
 * Sends the requests of the S3 client with undici, so that they use the proxies of the environment like those of HTTP
 * origins. The handler that comes with the SDK knows no proxies.
 *
 * The path and the query must stay as they were signed: nothing here may normalize them.
 */
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { Dispatcher } from 'undici'

/** The part of the SDK's request type that a read needs. */
interface S3Request {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Dispatcher.RequestOptions['body']
}

type Handler = Extract<S3ClientConfig['requestHandler'], { handle: unknown }>

export function s3RequestHandler(dispatcher: Dispatcher): Handler {
  const send = async (request: S3Request, options: { readonly abortSignal?: AbortSignal } = {}) => {
    const { hostname, port, method, path, query = {}, headers, body } = request
    const { statusCode, ...response } = await dispatcher.request({
      origin: `${request.protocol}//${hostname}${port === undefined ? '' : `:${port}`}`,
      method,
      path: path + writeQuery(query),
      headers,
      body: body ?? null,
      headersTimeout: HEADERS_DEADLINE_MS,
      ...(options.abortSignal === undefined ? {} : { signal: options.abortSignal }),
    })
    return { response: { statusCode, headers: oneValueEach(response.headers), body: response.body } }
  }
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: send as Handler['handle'],
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => void dispatcher.destroy(),
  }
}

/** Sorted and encoded as in the signature (RFC 3986). */
function writeQuery(query: NonNullable<S3Request['query']>): string {
  const parts = Object.keys(query)
    .toSorted()
    .flatMap((key) => {
      const value = query[key] ?? null
      if (value === null) return [escape(key)]
      return [value].flat().map((each) => `${escape(key)}=${escape(each)}`)
    })
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

function escape(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function oneValueEach(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const single: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) single[name] = String(value)
  return single
}

/** Stores that fetch from an archive or another region first respond slowly. */
const HEADERS_DEADLINE_MS = 30_000
