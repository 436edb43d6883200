/** What is wrong with the store, since when, and what that means, in one sentence for `/readyz?verbose`. */

export interface StoreSituation {
  /** Where Redis is, without password. */
  readonly shown: string
  /** Why there is no connection, and since when. */
  readonly down: { readonly reason: string; readonly seconds: number } | undefined
  /** What Redis answers to writes, or nothing. */
  readonly refusal: string
  readonly isCaughtUp: boolean
  readonly backlogBytes: number
}

export function storeSentence({ shown, down, refusal, isCaughtUp, backlogBytes }: StoreSituation): string {
  const waiting = backlogBytes === 0 ? '' : `; ${Math.ceil(backlogBytes / 1024)} KiB wait for the other nodes`
  if (down !== undefined)
    return `${shown} cannot be used since ${Math.round(down.seconds)} s (${down.reason}): this node answers from its memory and joins the others when it can${waiting}`
  if (refusal !== '')
    return `${shown} refuses to write (${refusal}): what other nodes hear is still read${waiting}`
  if (!isCaughtUp) return `${shown} is there; what the site knows is being read`
  return `${shown} is written and read${waiting}`
}
