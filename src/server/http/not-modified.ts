/** Whether whoever asks has this version already (RFC 9110 §13.1.2). */

/*
  If-None-Match = "*" / [ entity-tag *( "," entity-tag ) ]
  entity-tag    = [ "W/" ] DQUOTE *etagc DQUOTE      etagc may be a comma
*/
export function isNotModified(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  // The comparison is weak: a proxy that compressed the answer has put a W/ before our tag.
  return [...ifNoneMatch.matchAll(/"[^"]*"/g)].some(([tag]) => tag === etag)
}
