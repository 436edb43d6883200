/**
 * One period in which Redis is connected: two connections, one for commands and one that blocks on new log entries. A
 * failure of either ends both, so that the next session always starts from the same state.
 */
import type { StoreTarget } from '../../core/store-url.ts'
import { openClient, type RedisClient } from './client.ts'

export interface RedisSession {
  readonly commands: RedisClient
  readonly reading: RedisClient
  close(): void
}

export async function openSession(target: StoreTarget, site: string): Promise<RedisSession> {
  const commands = await openClient(target, `siteswarm-${site}`)
  try {
    const reading = await openClient(target, `siteswarm-${site}-log`)
    const close = () => {
      commands.close()
      reading.close()
    }
    return { commands, reading, close }
  } catch (error) {
    commands.close()
    throw error
  }
}
