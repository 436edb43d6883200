/**
 * The token of the operator, if the node has one. It is kept in the session storage of the tab: it survives a reload, and
 * ends with the tab. A cookie would be sent by other pages too.
 */
import { signal } from '@preact/signals'

const KEY = 'siteswarm-token'

export const token = signal<string | undefined>(sessionStorage.getItem(KEY) ?? undefined)

/** `missing`: the node requires a token and the page has none. `wrong`: the node rejected it. */
export const tokenProblem = signal<'missing' | 'wrong' | undefined>(undefined)

export function keepToken(text: string): void {
  sessionStorage.setItem(KEY, text)
  token.value = text
  tokenProblem.value = undefined
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY)
  token.value = undefined
}
