/**
 * Every limit, with its reason. A number that is not here, not in a file's own constants with a reason, and not
 * in the configuration does not exist.
 */
import { assert } from './assert.ts'

/**
 * The longest request target. A scrape of 100 hashes, Transmission 3.00's largest, is 7.2 KB; Node's own limit
 * for a whole header is 16 KiB.
 */
export const REQUEST_TARGET_BYTES_MAX = 12_288

/** Hashes in one scrape: Transmission 3.00 batches 100, 4.x 60. */
export const SCRAPE_HASHES_MAX = 100

/** A `key`: 8 characters from all clients; aria2 sends 8 raw bytes. */
export const KEY_BYTES_MAX = 64

/**
 * Peers in one answer. Far above what the handout policy hands out; what a `numwant` of four billion is clamped
 * to. 200 is what libtorrent asks for.
 */
export const PEERS_WANTED_MAX = 200

/** For a client that does not say: 50 is the common default of trackers and of WebTorrent and aria2. */
export const PEERS_WANTED_DEFAULT = 50

/** When a refused client may come back. Without it, libtorrent stays away for 30 minutes. */
export const REFUSAL_INTERVAL_SECONDS = 60

/** Sites of one topology: the table of link costs has this squared, 8 MB. */
export const SITES_MAX = 1_000

/** Bubbles of one topology, the bubble `-` of each site included: the swarm table keeps a place in 16 bits. */
export const PLACES_MAX = 65_535

/**
 * A torrent that can be registered: three times what libtorrent loads unless it is told otherwise, and little enough
 * to go through a Redis and to be held in memory for each of some sites.
 */
export const TORRENT_BYTES_MAX = 33_554_432

assert(REQUEST_TARGET_BYTES_MAX < 16_384, 'Node answers longer headers before any handler runs')
assert(
  SCRAPE_HASHES_MAX * 72 < REQUEST_TARGET_BYTES_MAX,
  'the largest scrape must fit into the longest request',
)
assert(PEERS_WANTED_DEFAULT <= PEERS_WANTED_MAX, 'the default obeys the maximum')
assert(SITES_MAX < PLACES_MAX, 'every site has a place')
