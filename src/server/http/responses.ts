/**
 * Parts of an HTTP response that several handlers share: a line of text, the check of `If-None-Match`, the file name of a
 * download.
 */
import type { ServerResponse } from 'node:http'

/** Sends one line of text, for people and scripts. */
export function sendText(
  response: ServerResponse,
  status: number,
  line: string,
  headers: Readonly<Record<string, string | number>> = {},
): void {
  const body = Buffer.from(`${line}\n`)
  // A HEAD gets the same headers; Node omits the body.
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    ...headers,
  })
  response.end(body)
}

/*
  If-None-Match = "*" / [ entity-tag *( "," entity-tag ) ]
  entity-tag    = [ "W/" ] DQUOTE *etagc DQUOTE      etagc may be a comma
*/

/** True if the client has this version already (RFC 9110 §13.1.2). */
export function isNotModified(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  // The comparison is weak: a proxy that compresses the response puts a W/ before the tag.
  return [...ifNoneMatch.matchAll(/"[^"]*"/g)].some(([tag]) => tag === etag)
}

/** Most file systems allow 255 bytes; the rest is for the extension and for the suffix that a browser adds. */
const NAME_BYTES_MAX = 200

/**
 * The `Content-Disposition` with the file name that a browser or `curl -OJ` saves under (RFC 6266). `extension` with its
 * dot.
 *
 * Threat: the torrent's author wrote the name, and the user who saves it may be root in a home directory. The result
 * has no path, is not a hidden file, and has no character that a terminal or a header interprets.
 */
export function attachmentHeader(name: string, extension: string): string {
  const safe = safeName(name) + extension
  const ascii = safe.replaceAll(/[^\x20-\x7e]/g, '_').replaceAll(/["\\%]/g, '_')
  return `attachment; filename="${ascii}"; filename*=UTF-8''${percentEncode(safe)}`
}

function safeName(name: string): string {
  const clean = name
    // Control and format characters (a right-to-left override displays another name), and reserved characters.
    .replaceAll(/[\p{C}/\\:*?"<>|]/gu, '_')
    .replace(/^[.\s]+/, '')
    .replace(/[.\s]+$/, '')
  return shorten(clean) || 'download'
}

function shorten(text: string): string {
  let short = ''
  for (const character of text) {
    if (Buffer.byteLength(short + character) > NAME_BYTES_MAX) break
    short += character
  }
  return short
}

/** RFC 8187: everything but the characters that a header may have unquoted. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
