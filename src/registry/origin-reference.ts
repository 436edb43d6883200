/**
 * Reference to the origin of a registered torrent's content: a path, http(s)://… or s3://bucket/key.
 *
 * The store keeps it, the API shows it and commands list it, so it never contains a secret: no user, no password, and no
 * query, which in a presigned URL contains the signature. Credentials stay on the node that fetches.
 */
import { InputError } from '../core/errors.ts'

/** Longer than any URL that servers accept. */
const REFERENCE_CHARACTERS_MAX = 4_096

export type OriginKind = 'file' | 'http' | 's3'

/** The kind of a reference that `checkOriginReference` accepted. */
export function originKind(reference: string): OriginKind {
  if (/^https?:/i.test(reference)) return 'http'
  return /^s3:/i.test(reference) ? 's3' : 'file'
}

/** Throws an `InputError` that states what to write instead, and never repeats a part that may be a secret. */
export function checkOriginReference(reference: string): string {
  if (reference.length > REFERENCE_CHARACTERS_MAX)
    throw new InputError(`the origin has more than ${REFERENCE_CHARACTERS_MAX} characters`)
  if (/\p{Cc}/u.test(reference)) throw new InputError('the origin contains a control character')
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(reference)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    if (reference.startsWith('/')) return reference
    throw new InputError('the origin must be an absolute path, http(s)://… or s3://bucket/key')
  }
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 's3')
    throw new InputError(
      `a node cannot read ${scheme}: as an origin; use an absolute path, http(s)://… or s3://bucket/key`,
    )
  let url: URL
  try {
    url = new URL(reference)
  } catch {
    throw new InputError('the origin is not a valid URL; write https://host/path or s3://bucket/key')
  }
  if (url.host === '')
    throw new InputError('the origin has no host; write https://host/path or s3://bucket/key')
  if (url.username !== '' || url.password !== '')
    throw new InputError(
      'the origin contains a user or password, which the list of torrents would show; leave them out',
    )
  if (reference.includes('?') || reference.includes('#'))
    throw new InputError(
      'the origin has a query or a fragment; a presigned URL is a secret that expires, so give the URL of the object without them',
    )
  return reference
}
