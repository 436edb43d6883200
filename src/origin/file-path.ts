/**
 * Reads the path in a file: URL (RFC 8089). Node's `fileURLToPath` accepts what names another file than intended, and
 * fails without a remedy for the rest.
 */
import { fileURLToPath } from 'node:url'
import { OriginError } from './origin-error.ts'

/** Throws an `OriginError` for a URL that does not name one local path. */
export function filePathOf(reference: string): string {
  const refuse = (problem: string) => new OriginError('unusable', `${reference}: ${problem}`)
  const path = reference.replace(/^file:(?:\/\/)?/i, '')
  const hint = 'or give the path without file://'
  if (!/^file:\//i.test(reference)) throw refuse('a file URL begins with file:///')
  if (reference.startsWith('~', 'file://'.length))
    throw refuse(`the shell does not expand ~ in a URL; write file:///home/…, ${hint}`)
  if (/[?#]/.test(path)) throw refuse(`? and # end the path of a URL; write %3F and %23, ${hint}`)
  const url = URL.canParse(reference) ? new URL(reference) : undefined
  if (url === undefined || url.hostname !== '') {
    const [host = ''] = path.split('/')
    throw refuse(`"${host}" would be the name of a host; write three slashes (file:///${path}), ${hint}`)
  }
  try {
    const decoded = fileURLToPath(url)
    if (!decoded.includes('\0')) return decoded
  } catch {
    // Explained below: both errors come from the percent-encoding.
  }
  if (/%2f/i.test(path)) throw refuse('%2F cannot be part of a file name; write /')
  throw refuse(`a % that is not an escape of UTF-8 is written %25, ${hint}`)
}
