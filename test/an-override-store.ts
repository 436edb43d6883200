/** Overrides in memory, for tests of the users of a store. */
import { type Override, Overrides } from '../src/replication/overrides.ts'
import type { OverrideStore } from '../src/replication/site-store.ts'

export interface TestOverrideStore extends OverrideStore {
  isDown: boolean
}

export function anOverrideStore(): TestOverrideStore {
  const current = new Overrides()
  const listeners: ((changed: readonly Override[]) => void)[] = []
  const store: TestOverrideStore = {
    isDown: false,
    current,
    async put(override) {
      if (current.apply(override)) for (const listener of listeners) listener([override])
      return store.isDown ? 'local' : 'shared'
    },
    onChange: (listener) => void listeners.push(listener),
  }
  return store
}
