/** What a node asks Redis every second, as one script: see scripts/look-5.lua. */
import type { SiteKeys } from './keys.ts'
import { list, type RedisClient, text } from './client.ts'
import { scripts } from './scripts.ts'

export interface Look {
  readonly redisMs: number
  /** Empty where there is none and none could be begun. */
  readonly epoch: string
  /** Why writes are refused, or empty. */
  readonly refusal: string
  readonly lastId: string
  readonly lastCompletion: number
  readonly torrentsId: string
  readonly torrentsVersion: string
  readonly secretsChangedAt: string
  /** For each id that was asked for, whether the entry is there. */
  readonly isThere: readonly boolean[]
}

export async function look(
  client: RedisClient,
  keys: SiteKeys,
  { newEpoch, ids }: { readonly newEpoch: string; readonly ids: readonly string[] },
): Promise<Look> {
  const { log, epoch, completionChanges, torrentState, secrets } = keys
  const reply = list(
    await client.run(
      scripts.look,
      [log, epoch, completionChanges, torrentState, secrets],
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
    isThere: reply.slice(9).map((each) => each === 1),
  }
}
