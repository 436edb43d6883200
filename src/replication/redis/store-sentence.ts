/** State of the store in one sentence for `/readyz?verbose`: the problem, its duration, and its consequence. */

export interface StoreCondition {
  /** The URL of Redis without its password. */
  readonly redactedUrl: string
  /** The reason and duration of a missing connection. */
  readonly down: { readonly reason: string; readonly seconds: number } | undefined
  /** The error with which Redis refuses writes, or empty. */
  readonly refusal: string
  readonly isCaughtUp: boolean
  readonly backlogBytes: number
}

export function storeSentence(condition: StoreCondition): string {
  const { redactedUrl, down, refusal, isCaughtUp, backlogBytes } = condition
  const backlog = backlogBytes === 0 ? '' : `; ${Math.ceil(backlogBytes / 1024)} KiB are still to be sent`
  if (down !== undefined)
    return `${redactedUrl} has been unavailable for ${Math.round(down.seconds)} s (${down.reason}): this node answers from memory, and resyncs when it is available again${backlog}`
  if (refusal !== '')
    return `${redactedUrl} refuses writes (${refusal}): records of the other nodes are still read${backlog}`
  if (!isCaughtUp) return `${redactedUrl} is connected; the site log is being read`
  return `${redactedUrl} is connected${backlog}`
}
