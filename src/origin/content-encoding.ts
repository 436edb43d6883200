/**
 * Decides whether the bytes of a response are the bytes of the file, from its Content-Encoding (RFC 9110 §8.4).
 *
 * Requests ask for identity. Servers send the field all the same: Apache labels `image.img.gz` as `x-gzip`, and
 * stores keep labels such as `aws-chunked`, `utf-8` or an empty text from an upload. A label for an archive, or one
 * that is not a registered coding, does not change the bytes. A registered coding of any other file does: the torrent
 * would be of the compressed bytes, under the name of the file.
 */

/** Returns the coding that changes the bytes, or undefined. `names`: of the URL and of the redirect target. */
export function appliedCoding(
  contentEncoding: string | undefined,
  names: readonly string[],
): string | undefined {
  const labels = (contentEncoding ?? '').split(',').map((label) => label.trim().toLowerCase())
  return labels.find((label) => {
    const extensions = CODINGS[label]
    return extensions !== undefined && !names.some((name) => extensions.test(name))
  })
}

/** The content codings of the IANA registry, with the names of files that are such archives. */
const CODINGS: Readonly<Record<string, RegExp>> = {
  aes128gcm: /$^/,
  br: /\.br$/i,
  compress: /\.(?:z|taz)$/i,
  'x-compress': /\.(?:z|taz)$/i,
  dcb: /$^/,
  dcz: /$^/,
  deflate: /\.(?:zz|zlib|deflate)$/i,
  exi: /\.exi$/i,
  gzip: /\.(?:[a-z]*gz|gzip|emz|wmz)$/i,
  'x-gzip': /\.(?:[a-z]*gz|gzip|emz|wmz)$/i,
  'pack200-gzip': /\.(?:pack|gz)$/i,
  zstd: /\.(?:[a-z]*zst|zstd)$/i,
}
