/** Components of a node that the admin routes read and operate. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Address } from '../../core/address.ts'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { ListenerTls } from '../../core/tls-pair.ts'
import type { LinkRates } from '../../registry/link-rates.ts'
import type { SwarmTable } from '../../swarm/swarm-table.ts'
import type { CurrentTopology } from '../../topology/current-topology.ts'
import type { Tracker } from '../../tracker/tracker.ts'
import type { AdminTokens } from './access.ts'
import type { TopologyCheck } from './answers/topology.ts'
import type { FederationSource } from './routes/federation.ts'
import type { HealthSource } from './routes/health.ts'
import type { Operations } from './routes/operations.ts'
import type { RolloutContext } from './routes/rollouts.ts'
import type { TorrentContext } from './shown-torrent.ts'
import type { WrongTokens } from './wrong-tokens.ts'

export interface NodeSource {
  readonly startedAtMs: number
  /** The configuration in effect, without secrets. */
  readonly configuration: Readonly<Record<string, unknown>>
  /** undefined while the node is not draining. */
  drain(): { readonly reason: string | undefined; readonly sinceMs: number } | undefined
}

export interface AdminContext extends RolloutContext {
  readonly topology: CurrentTopology
  readonly tracker: Tracker
  readonly table: SwarmTable
  readonly clock: Clock
  readonly health: HealthSource
  readonly node: NodeSource
  readonly operations: Operations
  readonly torrents: TorrentContext
  /** Dry run of the text of a topology file. */
  readonly checkTopology: (text: string) => Promise<TopologyCheck>
  readonly linkRates: LinkRates
  /** The site of the node. */
  readonly site: string
  /** undefined if the node is not federated. */
  readonly federation: FederationSource | undefined
  /** A request to change the protocol of a connection, which it answers. */
  readonly onUpgrade: (request: IncomingMessage, stream: Duplex, head: Buffer) => void
  readonly log: Log
  readonly tokens: AdminTokens
  /** undefined: plain connections. */
  readonly tls?: ListenerTls | undefined
  readonly wrongTokens: WrongTokens
  /** True for a reverse proxy whose forwarding headers are used. */
  readonly isTrusted: (address: Address) => boolean
  /** Version of the program. */
  readonly version: string
}
