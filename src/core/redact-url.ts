/**
 * Removes from a URL what may be a secret before the URL is shown: user, password, query and fragment.
 *
 * A text that is not a valid URL may still contain a password: everything before its last `@` is removed.
 */
export function redactUrl(text: string): string {
  if (!URL.canParse(text))
    return text.replace(/^([a-z][a-z0-9+.-]*:\/\/|).*@/is, '$1').replace(/[?#].*$/s, '')
  const url = new URL(text)
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.href
}
