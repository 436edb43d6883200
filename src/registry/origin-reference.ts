/**
 * Where the content of a torrent comes from, as a registration may note it: a path, http(s)://… or s3://bucket/key.
 *
 * It is kept in a store, shown by the API and listed by commands, so it never holds a secret: no user, no password,
 * and no query, which is where presigned URLs carry their signature. Credentials stay with the node that fetches.
 */
import { InputError } from '../core/errors.ts'

/** Longer than any URL that servers take. */
const REFERENCE_CHARACTERS_MAX = 4_096

export type OriginKind = 'file' | 'http' | 's3'

/** The kind of a reference that `checkOriginReference` took. */
export function originKind(reference: string): OriginKind {
  if (/^https?:/i.test(reference)) return 'http'
  return /^s3:/i.test(reference) ? 's3' : 'file'
}

/** Throws an `InputError` that says what to write instead, and never repeats what may be a secret. */
export function checkOriginReference(reference: string): string {
  if (reference.length > REFERENCE_CHARACTERS_MAX)
    throw new InputError(`the origin has more than ${REFERENCE_CHARACTERS_MAX} characters`)
  if (/\p{Cc}/u.test(reference)) throw new InputError('the origin has a control character in it')
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(reference)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    if (reference.startsWith('/')) return reference
    throw new InputError('the origin must be an absolute path, http(s)://… or s3://bucket/key')
  }
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 's3')
    throw new InputError(
      `${scheme}: is no origin that a node can read; use an absolute path, http(s)://… or s3://bucket/key`,
    )
  let url: URL
  try {
    url = new URL(reference)
  } catch {
    throw new InputError('the origin is no URL; write it as https://host/path or s3://bucket/key')
  }
  if (url.host === '')
    throw new InputError('the origin names no host; write https://host/path or s3://bucket/key')
  if (url.username !== '' || url.password !== '')
    throw new InputError(
      'the origin has a user or password in it, which everybody who lists torrents would see; leave them out',
    )
  if (reference.includes('?') || reference.includes('#'))
    throw new InputError(
      'the origin has a query or a fragment, and a presigned URL is a secret that expires; name the object itself',
    )
  return reference
}
