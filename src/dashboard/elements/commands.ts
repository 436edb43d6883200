/** Command lines that do the same as the page, against the node that served it. */
import { token } from '../api/token.ts'

/** For a POSIX shell. */
export function quote(text: string): string {
  return /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/**
 * Such as `siteswarm torrents remove HASH --url http://127.0.0.1:6970`. A token comes from the environment variable
 * SITESWARM_ADMIN_TOKEN, so that no copied text contains it.
 */
export function siteswarm(...args: readonly string[]): string {
  return ['siteswarm', ...args.map(quote), '--url', window.location.origin].join(' ')
}

/** For routes without a command of their own. */
export function curl(method: string, path: string, json?: unknown): string {
  return [
    'curl -sS',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...(token.value === undefined ? [] : ['-H "Authorization: Bearer $SITESWARM_ADMIN_TOKEN"']),
    ...(json === undefined
      ? []
      : ["-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(json))}`]),
    quote(`${window.location.origin}${path}`),
  ].join(' ')
}
