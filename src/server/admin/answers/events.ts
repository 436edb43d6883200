/** Kinds of server-sent events of the API. */
export const EVENT_KINDS = ['node', 'site', 'torrent', 'rollout', 'swarm'] as const

export type EventKind = (typeof EVENT_KINDS)[number]
