/**
 * Client models: the behaviour that decides which host fetches what from which. Connections, dialling and announce
 * timers were measured or read in the clients' sources (libtorrent 2.0, aria2 1.36, Transmission 3.00); request
 * queues of aria2 are assumed to be those of libtorrent.
 */

export interface ClientModel {
  readonly name: string
  /** Prefix of its peer ids, by which the tracker recognises the client. */
  readonly peerIdPrefix: string
  /** `numwant`; undefined if the client does not send it. */
  readonly peersWanted: number | undefined
  /** Maximum connections per torrent. */
  readonly connectionsMax: number
  readonly dialsPerSecond: number
  /** Peers that it uploads to at the same time. */
  readonly uploadSlots: number
  /** Upload slots that go to a random peer. */
  readonly optimisticSlots: number
  /** True if it uploads pieces before its download is complete. */
  readonly passesOn: boolean
  readonly rechokeSeconds: number
  /** Length of a request queue, as seconds of arriving data … */
  readonly queueSeconds: number
  /** … and its upper bound. */
  readonly queueBytesMax: number
  /**
   * Disconnects a peer that has just completed if it has every piece the peer had announced before its last one;
   * neither reconnects for `RECONNECT_SECONDS`.
   */
  readonly dropsFinishers: boolean
  /** Seconds to its next announce after a response. */
  announceAfterSeconds(response: {
    readonly intervalSeconds: number
    readonly intervalSecondsMin: number
  }): number
}

/** libtorrent's `min_reconnect_time`. */
export const RECONNECT_SECONDS = 60

/** 500 blocks of 16 KiB: libtorrent's `max_out_request_queue`; Transmission's 512 are close enough. */
const QUEUE_BYTES_MAX = 500 * 16_384

const libtorrent: ClientModel = {
  name: 'libtorrent',
  peerIdPrefix: '-LT2080-',
  peersWanted: 200,
  connectionsMax: 200,
  dialsPerSecond: 30,
  uploadSlots: 8,
  optimisticSlots: 1,
  passesOn: true,
  rechokeSeconds: 15,
  queueSeconds: 3,
  queueBytesMax: QUEUE_BYTES_MAX,
  dropsFinishers: true,
  announceAfterSeconds: ({ intervalSeconds, intervalSecondsMin }) =>
    Math.max(intervalSeconds, intervalSecondsMin, 300),
}

const aria2: ClientModel = {
  name: 'aria2',
  peerIdPrefix: 'A2-1-36-0-',
  peersWanted: 50,
  connectionsMax: 55,
  dialsPerSecond: 44,
  uploadSlots: 4,
  optimisticSlots: 1,
  passesOn: true,
  rechokeSeconds: 10,
  queueSeconds: 3,
  queueBytesMax: QUEUE_BYTES_MAX,
  dropsFinishers: false,
  announceAfterSeconds: ({ intervalSeconds, intervalSecondsMin }) =>
    Math.min(intervalSeconds, intervalSecondsMin),
}

const transmission: ClientModel = {
  name: 'transmission',
  peerIdPrefix: '-TR3000-',
  peersWanted: 80,
  connectionsMax: 50,
  dialsPerSecond: 12,
  uploadSlots: 14,
  optimisticSlots: 1,
  // Its rounds of ten seconds upload almost nothing before completion: measured in the laboratory,
  // docs/clients.md.
  passesOn: false,
  rechokeSeconds: 10,
  queueSeconds: 10,
  queueBytesMax: QUEUE_BYTES_MAX,
  dropsFinishers: false,
  announceAfterSeconds: ({ intervalSeconds }) => intervalSeconds,
}

/**
 * By name. `mixed`: the hosts run the three clients in turn. rtorrent is not simulated: it needs deferred responses
 * and completion probes (`tracker/deferred-announces.ts`).
 */
export const clientMixes: Readonly<Record<string, readonly ClientModel[]>> = {
  libtorrent: [libtorrent],
  aria2: [aria2],
  transmission: [transmission],
  mixed: [libtorrent, aria2, transmission],
}
