/** The response to a download that fails: plain text, which people and clients that evaluate the status read. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal, type RefusalCode } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'

export interface FailureListeners {
  /** Called once for every rejected request. */
  readonly onRefusal: (code: RefusalCode) => void
  readonly log: Pick<Log, 'error'>
}

/** An error other than a `Refusal` is a bug: the log has it, and the client gets `TRK_INTERNAL`. */
export function sendDownloadFailure(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  { onRefusal, log }: FailureListeners,
): void {
  const refusal = error instanceof Refusal ? error : new Refusal('TRK_INTERNAL')
  if (!(error instanceof Refusal))
    log.error(
      { event: 'request-failed', code: refusal.code, err: error, target: request.url },
      'a request failed',
    )
  onRefusal(refusal.code)
  if (response.headersSent) return void response.destroy()
  const body = Buffer.from(`${refusal.message}\n`)
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': body.length }
  response.writeHead(error instanceof Refusal ? 400 : 500, headers).end(body)
}
