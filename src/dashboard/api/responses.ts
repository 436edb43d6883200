/**
 * Types of the answers of the API that the dashboard shows: those of the schemas by which the node answers. Types alone;
 * nothing of the node is in the page.
 */
import type { RolloutInFull, SiteAnswer } from '../../rollouts/rollout-answer.ts'
import type { HostInformation } from '../../server/admin/answers/hosts.ts'
import type { HostPage } from '../../server/admin/answers/rollouts.ts'
import type { SiteList } from '../../server/admin/answers/sites.ts'
import type { Located, TopologyAnswer } from '../../server/admin/answers/topology.ts'

export type {
  RolloutAnswer as Rollout,
  RolloutInFull as RolloutDetail,
} from '../../rollouts/rollout-answer.ts'
export type { RolloutState } from '../../rollouts/rollout-states.ts'
export type { SavingsRow } from '../../rollouts/savings-row.ts'
export type { EventKind } from '../../server/admin/answers/events.ts'
export type { Explanation } from '../../server/admin/answers/explanation.ts'
export type { HostInformation } from '../../server/admin/answers/hosts.ts'
export type { NodeInformation } from '../../server/admin/answers/node.ts'
export type { HostPage, RolloutPage, Savings } from '../../server/admin/answers/rollouts.ts'
export type { SiteList } from '../../server/admin/answers/sites.ts'
export type { Link, LinkList, TopologyAnswer, TopologyCheck } from '../../server/admin/answers/topology.ts'
export type {
  Torrent,
  TorrentInFull as TorrentDetail,
  TorrentPage,
} from '../../server/admin/answers/torrents.ts'

export type HostCounts = RolloutInFull['hosts']
export type RolloutSite = SiteAnswer
export type RolloutBubble = SiteAnswer['bubbles'][number]
export type Straggler = SiteAnswer['stragglers'][number]
export type RolloutHost = HostPage['hosts'][number]
export type TopologySite = TopologyAnswer['sites'][number]
export type SiteStatus = SiteList['sites'][number]
export type HostTorrentInformation = HostInformation['torrents'][number]
export type LocatedAddress = Located[number]
