/** The poll of Redis, one script twice a second: see scripts/poll-6.lua. */
import type { SiteKeys } from './keys.ts'
import { list, type RedisClient, text } from './client.ts'
import { scripts } from './scripts.ts'

export interface PollResult {
  readonly redisMs: number
  /** Empty where there is none and none could be started. */
  readonly epoch: string
  /** The error with which Redis refuses writes, or empty. */
  readonly refusal: string
  readonly lastId: string
  readonly lastCompletion: number
  readonly torrentsId: string
  readonly torrentsVersion: string
  readonly secretsChangedAt: string
  readonly overridesVersion: string
  /** For each requested id, whether the entry exists. */
  readonly exists: readonly boolean[]
}

export async function poll(
  client: RedisClient,
  keys: SiteKeys,
  { newEpoch, ids }: { readonly newEpoch: string; readonly ids: readonly string[] },
): Promise<PollResult> {
  const { log, epoch, completionChanges, torrentState, secrets, overrides } = keys
  const reply = list(
    await client.run(
      scripts.poll,
      [log, epoch, completionChanges, torrentState, secrets, overrides],
      [newEpoch, ...ids],
    ),
  )
  return {
    redisMs: Number(text(reply[0])) * 1000 + Number(text(reply[1])) / 1000,
    epoch: text(reply[2]),
    refusal: text(reply[3]),
    lastId: text(reply[4]),
    lastCompletion: Number(text(reply[5])),
    torrentsId: text(reply[6]),
    torrentsVersion: text(reply[7]),
    secretsChangedAt: text(reply[8]),
    overridesVersion: text(reply[9]),
    exists: reply.slice(10).map((each) => each === 1),
  }
}
