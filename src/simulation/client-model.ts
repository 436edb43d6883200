/**
 * How each client behaves, as far as it decides who fetches what from whom. Connections, dialling and announce
 * timers were measured or read in the clients' sources (libtorrent 2.0, aria2 1.36, Transmission 3.00);
 * request queues of aria2 are taken to be those of libtorrent.
 */

export interface ClientModel {
  readonly name: string
  /** How its peer ids begin: the tracker knows the family by that. */
  readonly peerIdPrefix: string
  /** `numwant`; undefined: does not say. */
  readonly peersWanted: number | undefined
  /** Connections for one torrent. */
  readonly connectionsMax: number
  readonly dialsPerSecond: number
  /** Peers that it uploads to at the same time. */
  readonly uploadSlots: number
  /** Of those, how many go to somebody by chance. */
  readonly optimisticSlots: number
  /** Whether it passes pieces on before it has all of them. */
  readonly passesOn: boolean
  readonly rechokeSeconds: number
  /** A request queue holds what arrives in so many seconds … */
  readonly queueSeconds: number
  /** … but no more than this. */
  readonly queueBytesMax: number
  /**
   * Hangs up on a peer that has just completed if it has all that peer had announced before its last piece, and
   * neither comes back for `RECONNECT_SECONDS`.
   */
  readonly dropsFinishers: boolean
  /** When it announces again after an answer. */
  announceAfterSeconds(told: {
    readonly intervalSeconds: number
    readonly intervalSecondsMin: number
  }): number
}

/** libtorrent's `min_reconnect_time`. */
export const RECONNECT_SECONDS = 60

/** 500 blocks of 16 KiB: libtorrent's `max_out_request_queue`, Transmission's 512 are as good as that. */
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
  // Its rounds of ten seconds pass hardly anything on: measured in the laboratory, docs/clients.md.
  passesOn: false,
  rechokeSeconds: 10,
  queueSeconds: 10,
  queueBytesMax: QUEUE_BYTES_MAX,
  dropsFinishers: false,
  announceAfterSeconds: ({ intervalSeconds }) => intervalSeconds,
}

/**
 * By name. `mixed`: every third host runs another one. rtorrent is left out: what it needs, a time at which it can be
 * answered and to be asked whether it is done (`tracker/deferred-announces.ts`), is not simulated.
 */
export const clientMixes: Readonly<Record<string, readonly ClientModel[]>> = {
  libtorrent: [libtorrent],
  aria2: [aria2],
  transmission: [transmission],
  mixed: [libtorrent, aria2, transmission],
}
