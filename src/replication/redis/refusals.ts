/**
 * What Redis says when it does not want this node at all, in words that tell an operator what to do. Only at the
 * start: a password that is changed later must not end a node that serves its site.
 */
import { ConfigError } from '../../core/errors.ts'
import type { StoreTarget } from '../../core/store-url.ts'

/** From a server that lives but cannot take more now. Nothing would be better on another connection. */
export const WRITE_REFUSALS = ['OOM', 'MISCONF', 'NOREPLICAS'] as const

interface Advice {
  readonly said: RegExp
  readonly message: string
  readonly hint: string
}

const ADVICE: readonly Advice[] = [
  {
    said: /WRONGPASS|invalid password|invalid username-password/,
    message: 'Redis does not take this user and password',
    hint: 'write them into the URL, redis://user:password@host:6379, with special characters percent-encoded; deploy/redis/users.acl has a user for siteswarm',
  },
  {
    said: /NOAUTH|Authentication required/,
    message: 'Redis wants a password',
    hint: 'write redis://:password@host:6379, or redis://user:password@host:6379',
  },
  {
    said: /NOPERM|ACL failure|no permissions to|can't run this command|can't access at least one/,
    message: 'the Redis user lacks a right',
    hint: 'docs/reference/redis.md has the rights that siteswarm needs, as a line for the ACL file',
  },
  {
    said: /\bMOVED \d|CROSSSLOT/,
    message: 'this Redis is a Cluster',
    hint: 'write redis+cluster://host:port,host:port instead of redis://',
  },
  {
    said: /cluster support disabled/,
    message: 'this Redis is no Cluster',
    hint: 'write redis://host:port instead of redis+cluster://',
  },
  {
    said: /DB index is out of range|invalid DB index|SELECT is not allowed/,
    message: 'Redis does not have that database',
    hint: 'leave the number at the end of the URL away',
  },
  {
    said: /unknown command ['"`]?sentinel/i,
    message: 'this is a Redis, not one of its Sentinels',
    hint: 'name the Sentinels, on port 26379 mostly, or write redis:// without +sentinel',
  },
]

/** undefined where trying again may help. */
export function refusedBy(target: StoreTarget, error: unknown): ConfigError | undefined {
  const { message: said } = error as Error
  const advice = ADVICE.find((each) => each.said.test(said))
  if (advice === undefined) return undefined
  return new ConfigError([
    {
      file: `store: ${target.redactedUrl}`,
      line: 0,
      column: 0,
      message: `${advice.message} (${said})`,
      hint: advice.hint,
    },
  ])
}
