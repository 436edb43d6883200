/**
 * JSON bodies of admin requests. No body of the API is nested more than a few levels; one of a megabyte could be nested as often,
 * and the code that checks or shows its values calls itself once for each level.
 */
import type { FastifyInstance } from 'fastify'
import { ApiError } from './api-error.ts'

const DEPTH_MAX = 32

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])

export function readJsonBodies(routes: FastifyInstance): void {
  const parse = routes.getDefaultJsonParser('error', 'error')
  routes.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body as string
    if (isDeep(text))
      return done(new ApiError(400, 'request-invalid', `the body is nested more than ${DEPTH_MAX} levels`))
    return void parse(request, text, done)
  })
}

/** Brackets in text do not count. Of a body that is not JSON, any result is correct. */
function isDeep(body: string): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < body.length; at++) {
    const code = body.charCodeAt(at)
    if (code === QUOTE) isText = !isText
    else if (isText) at += code === BACKSLASH ? 1 : 0
    else if (OPENING.has(code) && ++depth > DEPTH_MAX) return true
    else if (CLOSING.has(code)) depth--
  }
  return false
}
