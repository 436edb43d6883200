/** Everything that an admin listener reads and changes: a registry in memory, and the topology of a-topology.ts. */
import { ManualClock } from '../src/core/clock.ts'
import type { Log, LogFields } from '../src/core/log.ts'
import { clientName } from '../src/rollouts/client-name.ts'
import { NOT_CARRIED } from '../src/rollouts/ports.ts'
import { Rollouts } from '../src/rollouts/rollouts.ts'
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { LinkRates } from '../src/registry/link-rates.ts'
import { RolloutHolds } from '../src/registry/rollout-holds.ts'
import { TorrentRegistry } from '../src/registry/torrent-registry.ts'
import { checkTopology } from '../src/daemon/topology-check.ts'
import { anOverrideStore } from './an-override-store.ts'
import type { AdminContext } from '../src/server/admin/admin-context.ts'
import type { AdminTokens } from '../src/server/admin/access.ts'
import { WrongTokens } from '../src/server/admin/wrong-tokens.ts'
import { aTorrentStore } from './a-torrent-store.ts'
import { aTracker } from './a-tracker.ts'

interface LoggedLine extends LogFields {
  readonly level: string
}

function recordingLog(lines: LoggedLine[]): Log {
  const at = (level: string) => (fields: LogFields) => void lines.push({ level, ...fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** `tokens`: of the admin listener. Origins below /srv/ can be served, /srv/secret only by another user. */
export function anAdminContext(
  tokens: AdminTokens = { operate: undefined, read: undefined },
  more: Partial<Pick<AdminContext, 'isTrusted' | 'node' | 'operations'>> = {},
) {
  const site = aTracker()
  const { topology, tracker, table } = site
  const store = aTorrentStore()
  const overrides = anOverrideStore()
  const clock = new ManualClock(Date.UTC(2030, 0, 2, 3, 4, 5))
  const log: LoggedLine[] = []
  const registry = new TorrentRegistry({ store, clock, admit: 'registered' })
  const holds = new RolloutHolds({ store: overrides, registry, clock })
  const rollouts = new Rollouts({
    torrents: registry,
    table,
    topology,
    authority: new SiteAuthority(),
    site: 'fra',
    clock: site.clock,
    carriage: NOT_CARRIED,
    holds,
    servesOrigin: (origin) => origin.startsWith('/srv/'),
    clientOf: (row) => clientName(table.clientCodes.get(row) ?? ''),
  })
  const context: AdminContext = {
    topology,
    tracker,
    table,
    clock: site.clock,
    health: {
      metrics: async () => ({ contentType: 'text/plain', body: '' }),
      readiness: async () => ({
        isReady: true,
        checks: [{ name: 'serving', isOk: true, isRequired: true, sentence: 'announces are answered' }],
      }),
    },
    node: { startedAtMs: site.clock.nowMs(), configuration: { site: 'fra' }, drain: () => undefined },
    operations: { reload: async () => ({ sites: 3 }), drain: () => {}, undoDrain: async () => true },
    checkTopology: async (text) => checkTopology(text, topology.value, 'fra'),
    torrents: {
      registry,
      holds,
      federationProblem: () => undefined,
      webSeeds: {
        unavailableReason: (origin) =>
          origin.startsWith('/srv/') ? undefined : 'this node does not serve it',
        content: {
          problemOf: async ({ origin }) =>
            origin?.startsWith('/srv/secret') === true
              ? `cannot read ${origin}: permission denied`
              : undefined,
        },
      },
    },
    linkRates: new LinkRates({ store: overrides, clock }),
    site: 'fra',
    federation: undefined,
    rollouts,
    remoteHosts: undefined,
    onUpgrade: (_request, stream) => void stream.destroy(),
    log: recordingLog(log),
    tokens,
    wrongTokens: new WrongTokens({ log: recordingLog(log) }),
    isTrusted: () => false,
    version: '0.0.0',
    ...more,
  }
  return { context, site, store, overrides, registry, rollouts, clock, log }
}
