/**
 * User and password in a URL: they are sent as Authorization (RFC 7617) and shown nowhere.
 *
 * A query may be a signature and a fragment is never sent, so both are removed from a URL that is shown, too.
 */

/** Removes user and password from the URL and returns them as the value of Authorization. */
export function takeCredentials(url: URL): string | undefined {
  const { username, password } = url
  url.username = ''
  url.password = ''
  if (username === '' && password === '') return undefined
  return `Basic ${Buffer.from(`${decodePercent(username)}:${decodePercent(password)}`).toString('base64')}`
}

/** A text that is not the URL of a host may still contain a password: everything before its last `@` is removed. */
export function redactUrl(text: string): string {
  const isOfHost = URL.canParse(text) && (new URL(text).host !== '' || /^file:/i.test(text))
  if (!isOfHost) return text.replace(/^([a-z][a-z0-9+.-]*:\/\/|).*@/is, '$1').replace(/[?#].*$/s, '')
  const url = new URL(text)
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.pathname === '/' ? url.href.replace(/\/$/, '') : url.href
}

/** Decodes percent-encoded UTF-8; any other text is returned unchanged. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Removes user and password from every URL in a text, except from the placeholder of a hint. */
export function withoutCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)(?!user:password@)[^\s/?#"']*@/gi, '$1')
}
