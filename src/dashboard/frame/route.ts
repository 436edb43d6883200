/** Route of the page. A fragment needs one file on the server, and is never sent to it. */
import { signal } from '@preact/signals'
import { type Route, readRoute } from './links.ts'

export const route = signal<Route>({ view: 'overview' })

/** Follows the address of the page. */
export function followRoute(): () => void {
  const read = () => {
    route.value = readRoute(window.location.hash)
  }
  read()
  window.addEventListener('hashchange', read)
  return () => window.removeEventListener('hashchange', read)
}
