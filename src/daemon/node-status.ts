/** The checks behind `/readyz`: what has to be so before clients are sent here, and what an operator should know. */
import { Health } from '../observe/health.ts'
import type { SiteStore } from '../replication/site-store.ts'

export interface NodeSituation {
  readonly isRestored: boolean
  readonly isDraining: boolean
  readonly peers: number
  readonly store: SiteStore['state']
  /** undefined where the node answers for all sites by itself. */
  readonly federation: { readonly isOk: boolean; readonly sentence: string } | undefined
}

export function nodeHealth(read: () => NodeSituation): Health {
  return new Health([
    {
      name: 'restored',
      isRequired: true,
      read: () => {
        const { isRestored, peers, store } = read()
        const sentence = store.isCaughtUp
          ? `${peers} peers are known`
          : `${peers} peers are known, and what the other nodes of the site know is not there yet`
        return { isOk: isRestored, sentence: isRestored ? sentence : `being restored: ${store.sentence}` }
      },
    },
    {
      name: 'serving',
      isRequired: true,
      read: () => {
        const { isDraining } = read()
        const sentence = isDraining
          ? 'draining: this node goes away, use another one'
          : 'announces are answered'
        return { isOk: !isDraining, sentence }
      },
    },
    {
      name: 'store',
      isRequired: false,
      read: () => {
        const { isUp, sentence } = read().store
        return { isOk: isUp, sentence }
      },
    },
    {
      name: 'federation',
      isRequired: false,
      read: () => read().federation ?? { isOk: true, sentence: 'off: this node answers for all sites' },
    },
  ])
}
