/**
 * Limits shared by several rooms, each with its reason. Every other number is a constant with its reason in the file
 * that uses it, or a configuration key.
 */
import { assert } from './assert.ts'

/**
 * The longest request target. A scrape of 100 hashes, Transmission 3.00's largest, is 7.2 KB; Node's own limit
 * for a whole header is 16 KiB.
 */
export const REQUEST_TARGET_BYTES_MAX = 12_288

/** The longest token in an announce URL: 64 bytes in hexadecimal; longer ones are not safer. */
export const TOKEN_LENGTH_MAX = 128

/** Hashes in one scrape: Transmission 3.00 batches 100, 4.x 60. */
export const SCRAPE_HASHES_MAX = 100

/** A `key`: 8 characters from all clients; aria2 sends 8 raw bytes. */
export const KEY_BYTES_MAX = 64

/**
 * Peers in one response: larger values of `numwant` are clamped to it. The handout policy stays far below; libtorrent
 * requests 200.
 */
export const PEERS_WANTED_MAX = 200

/** Applies to an announce without `numwant`: 50 is the common default of trackers and of WebTorrent and aria2. */
export const PEERS_WANTED_DEFAULT = 50

/** Retry interval in a refusal. Without one, libtorrent waits 30 minutes. */
export const REFUSAL_INTERVAL_SECONDS = 60

/** Sites of one topology: the table of link costs has the square of this many entries, 8 MB. */
export const SITES_MAX = 1_000

/** Bubbles of one topology, the bubble `-` of each site included: the swarm table stores a place in 16 bits. */
export const PLACES_MAX = 65_535

/** Connections of the HTTP listener: 5,000 announces a second, each on a connection that lives a second, and as many kept ones; about 150 MB. */
export const CONNECTIONS_MAX = 10_000

/** Peers in the swarm table: as many as an entry of its index can name. They take about 1 GiB. */
export const PEERS_MAX = 16_777_214

/** Torrents in the swarm table. With one peer each, they take about 1 GiB. */
export const SWARMS_MAX = 1_000_000

/**
 * Highest `observe.connections`: with the 10,000 connections of the HTTP listener, the node stays below the 65,536 file
 * descriptors that its service unit allows.
 */
export const OBSERVERS_MAX = 50_000

/**
 * Largest torrent file that can be registered: three times what libtorrent loads by default, and small enough to store
 * in Redis and to keep in memory in several variants, one per site.
 */
export const TORRENT_BYTES_MAX = 33_554_432

/**
 * Clocks of two sites that are synchronized differ by less. A change that another site dates further ahead would win over
 * every later one, and is rejected.
 */
export const FUTURE_MS_MAX = 300_000

/**
 * Pieces of one torrent in the peer protocol: libtorrent loads no torrent with more unless it is configured to. Bounds a
 * bitfield to 256 KiB.
 */
export const PIECES_MAX = 2_097_152

/** Bytes of one block. Clients request 16 KiB, and close the connection of a peer that requests more (BEP 3). */
export const BLOCK_BYTES_MAX = 16_384

/** Length field of a message of the peer protocol: the longest is a bitfield with its id. */
export const PEER_MESSAGE_BYTES_MAX = 1 + PIECES_MAX / 8

/**
 * Clients that a node observes, about 0.5 KB each: 50 MB. Further ones are as they announce. A larger site has several
 * nodes, which divide its clients.
 */
export const OBSERVED_CLIENTS_MAX = 100_000

/**
 * Connections that a node opens per second to observe clients. One costs about 0.2 ms of CPU with its handshake and
 * bitfield, therefore this is 5 % of a core at most. 15,000 clients are polled once a minute.
 */
export const OBSERVER_DIALS_PER_SECOND_MAX = 256

/** Bytes that a node reads per second from all clients it observes: 900,000 HAVE messages, about 10 % of a core. */
export const OBSERVER_BYTES_PER_SECOND_MAX = 8_388_608

/**
 * Bytes per second of one observed client, and the burst above it, for the longest bitfield twice and what a client sent
 * while the node did not read. 128 KiB are 14,500 HAVE messages.
 */
export const OBSERVED_CLIENT_BYTES_PER_SECOND_MAX = 131_072
export const OBSERVED_CLIENT_BYTES_BURST = 786_432

/**
 * Messages per second of one observed client, and the burst above it. A host that receives pieces of 64 KiB at 4 Gbit/s
 * sends 7,600 HAVE messages.
 */
export const OBSERVED_CLIENT_MESSAGES_PER_SECOND_MAX = 8_192
export const OBSERVED_CLIENT_MESSAGES_BURST = 32_768

/** Memory for the bitfields of torrents that are not registered: 4,096 clients with 262,144 pieces. */
export const OBSERVED_BITFIELD_BYTES_MAX = 134_217_728

assert(REQUEST_TARGET_BYTES_MAX < 16_384, 'Node rejects longer headers before any handler runs')
assert(
  SCRAPE_HASHES_MAX * 72 < REQUEST_TARGET_BYTES_MAX,
  'the largest scrape must fit into the longest request',
)
assert(PEERS_WANTED_DEFAULT <= PEERS_WANTED_MAX, 'the default must not exceed the maximum')
assert(SITES_MAX < PLACES_MAX, 'every site needs a place')
assert(9 + BLOCK_BYTES_MAX < PEER_MESSAGE_BYTES_MAX, 'a block with its head fits into a message')
assert(
  OBSERVED_CLIENT_BYTES_BURST >= 2 * PEER_MESSAGE_BYTES_MAX,
  'a client may send its bitfield and repeat it',
)
assert(
  OBSERVED_CLIENT_BYTES_PER_SECOND_MAX <= OBSERVER_BYTES_PER_SECOND_MAX / 32,
  'one client uses a small part of what the node reads',
)
