/**
 * Rejected requests: problem details (RFC 9457) with a stable code for programs and a sentence for people.
 *
 * `type` is absent, which RFC 9457 defines as `about:blank`: `title` is then the phrase of the status, and `code`
 * identifies the problem. Codes are public; a retired one is never used again.
 */
import { STATUS_CODES } from 'node:http'
import * as z from 'zod'

export const PROBLEM_TYPE = 'application/problem+json'

export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** Sent as `Retry-After`; undefined if a repetition would not help. */
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export const problemSchema = z.object({
  title: z.string().describe('The phrase of the status.'),
  status: z.int().min(400).max(599),
  code: z.string().describe('Stable name of the problem, for programs.'),
  detail: z.string().describe('What is wrong and what to do, for people.'),
})

export function writeProblem({
  status,
  code,
  message,
}: Pick<ApiError, 'status' | 'code' | 'message'>): z.input<typeof problemSchema> {
  return { title: STATUS_CODES[status] ?? 'Error', status, code, detail: message }
}
