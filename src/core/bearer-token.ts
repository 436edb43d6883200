/**
 * Bearer tokens (RFC 6750).
 *
 * Threat: an attacker who measures how long a comparison takes. Both tokens are hashed first, so that the comparison
 * takes the same time for every token, and not even the length leaks.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

/** The token of an `Authorization` header; undefined where it has none. */
export function readBearerToken(header: string | undefined): string | undefined {
  return /^Bearer (.+)$/i.exec(header ?? '')?.[1]
}

export function isSameToken(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
