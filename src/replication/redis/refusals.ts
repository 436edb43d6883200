/**
 * Errors with which Redis refuses this node as a whole, each with advice for the operator. They end the node only at its
 * start: a password that is changed later must not end a node that serves its site.
 */
import { ConfigError } from '../../core/errors.ts'
import type { StoreTarget } from '../../core/store-url.ts'

/** Errors of a server that works but cannot store more now. Another connection would not help. */
export const WRITE_REFUSALS = ['OOM', 'MISCONF', 'NOREPLICAS'] as const

interface Advice {
  readonly error: RegExp
  readonly message: string
  readonly hint: string
}

const ADVICE: readonly Advice[] = [
  {
    error: /WRONGPASS|invalid password|invalid username-password/,
    message: 'Redis rejects this user and password',
    hint: 'write them in the URL, redis://user:password@host:6379, with special characters percent-encoded; deploy/redis/users.acl has a user for siteswarm',
  },
  {
    error: /NOAUTH|Authentication required/,
    message: 'Redis requires a password',
    hint: 'write redis://:password@host:6379, or redis://user:password@host:6379',
  },
  {
    error: /NOPERM|ACL failure|no permissions to|can't run this command|can't access at least one/,
    message: 'the Redis user lacks a permission',
    hint: 'docs/reference/redis.md has the permissions that siteswarm needs, as a line for the ACL file',
  },
  {
    error: /\bMOVED \d|CROSSSLOT/,
    message: 'this Redis is a Cluster',
    hint: 'write redis+cluster://host:port,host:port instead of redis://',
  },
  {
    error: /cluster support disabled/,
    message: 'this Redis is not a Cluster',
    hint: 'write redis://host:port instead of redis+cluster://',
  },
  {
    error: /DB index is out of range|invalid DB index|SELECT is not allowed/,
    message: 'Redis does not have that database',
    hint: 'remove the number at the end of the URL',
  },
  {
    error: /unknown command ['"`]?sentinel/i,
    message: 'this is a Redis server, not a Sentinel',
    hint: 'name the Sentinels, usually on port 26379, or write redis:// without +sentinel',
  },
]

/** undefined where a retry may help. */
export function refusedBy(target: StoreTarget, error: unknown): ConfigError | undefined {
  const { message } = error as Error
  const advice = ADVICE.find((each) => each.error.test(message))
  if (advice === undefined) return undefined
  return new ConfigError([
    {
      file: `store: ${target.redactedUrl}`,
      line: 0,
      column: 0,
      message: `${advice.message} (${message})`,
      hint: advice.hint,
    },
  ])
}
