/**
 * The file name that a browser or `curl -OJ` saves under (RFC 6266).
 *
 * Threat: the name is what the torrent's author wrote, and whoever saves it may be root in a home directory. So
 * nothing of a path is left of it, no hidden file, nothing a terminal or a header would interpret.
 */

/** Most file systems take 255 bytes; some room is for the ending and for what a browser adds. */
const NAME_BYTES_MAX = 200

/** `extension` with its dot. */
export function attachmentHeader(name: string, extension: string): string {
  const safe = safeName(name) + extension
  const ascii = safe.replaceAll(/[^\x20-\x7e]/g, '_').replaceAll(/["\\%]/g, '_')
  return `attachment; filename="${ascii}"; filename*=UTF-8''${percentEncode(safe)}`
}

function safeName(name: string): string {
  const clean = name
    // Control and format characters (a right-to-left override shows another name), and what some system reserves.
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
