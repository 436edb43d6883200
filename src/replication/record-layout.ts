/** Layout of batches of site records: the grammar, and the numbers that the writer and the reader share. */
import type { ElectionCause } from '../core/tracker-metrics.ts'
import type { CarriageState } from './records.ts'

/*
  Batch => big-endian
     0  uint8     version        1
     1  byte[8]   node           its writer
     9  uint48    time           of writing; milliseconds since 1970
    15  Record[]

  Record =>
     0  uint8     type
     1  uint16    length         of the body
     3  byte[length]

  A time of 32 bits is modulo 2^32 milliseconds and means the one nearest to the time of the batch.

  1 Torrent     byte[20] infohash of the records that follow
  2 Peer        uint8 flags, uint8 stalls, uint16 port, uint16 lifetime in seconds, uint32 last_seen,
                uint32 left, uint32 downloaded in KiB, uint32 identity, byte[4 or 16] address by the flag v6
  3 Removed     Ref
  4 Introduction Ref, Ref
  5 Lease       uint8 state (0 held, else 1 + index of the cause that ended it), uint48 since, double version (see lease-version.ts),
                Ref peer, Ref upstream, of length 0 where there is none, uint32 tree rank (0 where it is missing)
  6 GatewayHost uint32 host, double version, uint8 length, byte[length] site name in UTF-8
  7 Completion  uint32 count, uint48 last_at
  8 SiteCounts  uint32 seeds, uint32 leechers, uint32 partial, uint48 left in KiB, uint32 downloaded
  9 Observation uint8 flags, uint16 share in 65,535ths, float32 share per second, Ref (announced_at: when it was observed)
  10 CarrierNode uint8 flags (1: carries), uint8 length, byte[length] name in UTF-8, uint8 count, Endpoint[count].
                 About the writer of the batch, without an infohash
  11 Carriage   uint8 state (index in CARRIAGE_STATES), uint8 length, byte[length] site name in UTF-8

  12 Client     byte[8] first bytes of the peer id of the peers that follow; empty: they are not known

  Endpoint => uint8 length of the address (4 or 16), address, uint16 port
  Ref => uint8 length of the address (4, 16, or 0: no peer, and nothing follows), address, uint16 port, uint32 announced_at
*/
export const VERSION = 1
export const NODE_ID_BYTES = 8
export const HEADER_BYTES = 15
export const RECORD_HEAD_BYTES = 3
export const PEER_ADDRESS_AT = 22

export const TORRENT = 1
export const PEER = 2
export const REMOVED = 3
export const INTRODUCTION = 4
export const LEASE = 5
export const GATEWAY_HOST = 6
export const COMPLETION = 7
export const SITE_COUNTS = 8
export const OBSERVATION = 9
export const CARRIER_NODE = 10
export const CARRIAGE = 11
export const CLIENT = 12

export const SEED = 1
export const PARTIAL = 2
export const V6 = 4
export const UNVERIFIED_SEED = 8
export const VERIFIED_SEED = 16
export const UNREACHABLE = 32
export const SLOW_TO_FORWARD = 64

export const OBSERVED_REACHABLE = 1
export const OBSERVED_UNREACHABLE = 2
export const OBSERVED_SHARE = 4
export const OBSERVED_COMPLETE = 8
export const OBSERVED_STALLED = 16
export const OBSERVED_REFUSES_NODE = 32
export const SHARE_UNITS = 0xffff

export const CARRIES = 1

/** The wire format contains the index: append only. */
export const CARRIAGE_STATES: readonly CarriageState[] = ['carried', 'direct', 'ended', 'settling']

/** The wire format contains the index: append only. */
export const CAUSES: readonly ElectionCause[] = [
  'first',
  'stopped',
  'expired',
  'stalled',
  'added',
  'surplus',
  'unreachable',
]
