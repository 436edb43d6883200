/** Requests to the admin API of the node that served the page. */
import { nodeAnswered, nodeFailed } from './connection.ts'
import { forgetToken, token, tokenProblem } from './token.ts'

/** Longer than any answer of a busy node takes; after it, the node counts as lost. */
const DEADLINE_MS = 15_000

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: string | Blob
  readonly contentType?: string
  readonly signal?: AbortSignal
  /** The body of a response with this status is not an error. */
  readonly alsoAccepts?: number
}

/** An error response with its status and code, or `unreachable` with status 0. */
export class ApiFailure extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** Resolves with the body. Rejects with an `ApiFailure`. */
export async function requestText(path: string, options: RequestOptions = {}): Promise<string> {
  const { method = 'GET', body, contentType, signal, alsoAccepts } = options
  const headers = new Headers()
  const sent = token.value
  if (sent !== undefined) headers.set('authorization', `Bearer ${sent}`)
  if (contentType !== undefined) headers.set('content-type', contentType)
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  let status: number
  let text: string
  try {
    const response = await fetch(path, {
      method,
      headers,
      // The node is the authority; a cached figure would be an old one.
      cache: 'no-store',
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      ...(body === undefined ? {} : { body }),
    })
    status = response.status
    text = await response.text()
  } catch (error) {
    if (signal?.aborted === true) throw error
    nodeFailed()
    throw new ApiFailure(0, 'unreachable', 'the node does not answer')
  }
  const failure = status < 400 || status === alsoAccepts ? undefined : readFailure(status, text)
  // A proxy in front of a stopped node answers too, but not in JSON.
  if (failure?.code === 'proxy') nodeFailed()
  else nodeAnswered()
  if (failure?.status === 401) rejectToken(sent)
  if (failure !== undefined) throw failure
  return text
}

export async function requestJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const text = await requestText(path, options)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** Several requests are under way with one token; the operator may have entered another one since. */
function rejectToken(sent: string | undefined): void {
  if (sent !== token.value) return
  tokenProblem.value = sent === undefined ? (tokenProblem.value ?? 'missing') : 'wrong'
  forgetToken()
}

interface ErrorBody {
  readonly code?: string
  readonly detail?: string
  readonly title?: string
  readonly error?: { readonly code: string; readonly message: string }
}

function readFailure(status: number, text: string): ApiFailure {
  try {
    const { error, code, detail, title } = JSON.parse(text) as ErrorBody
    return new ApiFailure(
      status,
      error?.code ?? code ?? `status-${status}`,
      error?.message ?? detail ?? title ?? `status ${status}`,
    )
  } catch {
    const isProxy = status === 502 || status === 503 || status === 504
    return new ApiFailure(
      isProxy ? 0 : status,
      isProxy ? 'proxy' : `status-${status}`,
      isProxy ? `the node does not answer: its proxy responds with status ${status}` : `status ${status}`,
    )
  }
}

/** Any error, as the views show it. */
export function asFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error
  return new ApiFailure(0, 'page', error instanceof Error ? error.message : String(error))
}
