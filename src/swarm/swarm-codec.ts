/**
 * One swarm as bytes, with all that a restart must not forget: its peers, who was told of whom, the leases and
 * who ever held one. Peers are placed anew when they are read, because the topology may have changed meanwhile.
 */
import { addressFromBytes, addressToBytes } from '../core/address.ts'
import type { Address } from '../core/address.ts'
import { INFO_HASH_BYTES } from '../core/info-hash.ts'
import { flags } from './peer-rows.ts'
import type { Swarm } from './swarm.ts'
import type { SwarmTable } from './swarm-table.ts'

/*
  Swarm => big-endian
     0  uint8     version        2
     1  byte[20]  info_hash
    21  uint32    downloaded
    25  uint32    peers
        Peer[peers]
        uint32    links
        Link[links]              uint32 peer, uint32 peer: by their order above
        uint32    leases
        Lease[leases]            uint32 peer, uint32 upstream + 1 (0 none)
        uint16    sites
        Site[sites]              uint8 name length, name, uint32 hosts, uint32[hosts] address hashes

  Peer =>
     0  uint16    flags          of the row
     2  uint16    stalls
     4  uint16    port
     6  uint16    lifetime       seconds
     8  uint32    left           KiB
    12  uint32    downloaded     KiB
    16  uint32    identity
    20  uint32    heard_at       milliseconds, modulo 2^32
    24  byte[4 or 16] address    by the v6 flag
*/
const VERSION = 2
const HEADER_BYTES = 29
const PEER_ADDRESS_AT = 24
const PEER_BYTES_MAX = PEER_ADDRESS_AT + 16

/** What a row remembers of its peer; the others follow from where it is put. */
const KEPT_FLAGS = [
  flags.seed,
  flags.partial,
  flags.v6,
  flags.doubtful,
  flags.proven,
  flags.unreachable,
  flags.slowToForward,
]

export function writeSwarm(table: SwarmTable, swarm: Swarm, siteName: (siteIndex: number) => string): Buffer {
  const order = new Map<number, number>()
  const peers = Buffer.allocUnsafe(swarm.rows * PEER_BYTES_MAX)
  let end = 0
  for (const row of rowsOf(table, swarm)) {
    order.set(row, order.size)
    end = writePeer(table, row, peers, end)
  }

  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt8(VERSION, 0)
  swarm.infoHash.copy(header, 1)
  header.writeUInt32BE(swarm.downloaded, 21)
  header.writeUInt32BE(order.size, 25)

  const links: number[] = []
  const leases: number[] = []
  for (const [row, index] of order)
    for (let at = 0; at < table.introductions.count(row); at++) {
      const other = order.get(table.introductions.at(row, at)) ?? -1
      if (other > index) links.push(index, other)
    }
  for (const site of swarm.sites)
    for (const { row, upstreamRow } of site.gateways)
      leases.push(order.get(row) ?? 0, upstreamRow < 0 ? 0 : (order.get(upstreamRow) ?? -1) + 1)

  const sites = swarm.sites.filter((site) => site.gatewayHostsEver > 0)
  const siteParts = sites.flatMap((site) => {
    const name = Buffer.from(siteName(site.site), 'latin1')
    return [Buffer.of(name.length), name, words([site.gatewayHostsEver, ...site.gatewayHosts])]
  })
  const siteCount = Buffer.allocUnsafe(2)
  siteCount.writeUInt16BE(sites.length)
  return Buffer.concat([
    header,
    peers.subarray(0, end),
    words([links.length / 2, ...links]),
    words([leases.length / 2, ...leases]),
    siteCount,
    ...siteParts,
  ])
}

export interface SwarmReader {
  readonly table: SwarmTable
  readonly nowMs: number
  /** Place index, or -1 for an address that belongs nowhere. */
  locate(address: Address): number
  /** Site index, or -1. */
  siteNamed(name: string): number
}

/**
 * Adds the swarm to the table, without the peers whose lifetime is over or that belong nowhere any more. Throws a
 * RangeError where the bytes end too early, and an Error for a version that it does not know.
 */
export function readSwarm(block: Buffer, reader: SwarmReader): void {
  const { table } = reader
  const version = block.readUInt8(0)
  if (version !== VERSION) throw new Error(`version ${version} of a swarm is not known to this program`)
  const infoHash = block.subarray(1, 1 + INFO_HASH_BYTES)
  table.completions.set(infoHash, block.readUInt32BE(21))

  const cursor = { at: HEADER_BYTES }
  const rows: number[] = []
  for (let left = block.readUInt32BE(25); left > 0; left--)
    rows.push(readPeer(block, cursor, infoHash, reader))
  const next = () => {
    cursor.at += 4
    return block.readUInt32BE(cursor.at - 4)
  }
  const nextRow = () => rows[next()] ?? -1
  for (let left = next(); left > 0; left--) {
    const [row, other] = [nextRow(), nextRow()]
    if (row >= 0 && other >= 0) table.introductions.link(row, other)
  }
  for (let left = next(); left > 0; left--) {
    const [row, upstream] = [nextRow(), next()]
    if (row >= 0 && table.roleOf(row) === 'needy')
      table.grantLease(row).upstreamRow = rows[upstream - 1] ?? -1
  }
  const swarm = table.swarm(infoHash)
  let sites = block.readUInt16BE(cursor.at)
  cursor.at += 2
  for (; sites > 0; sites--) {
    const nameEnd = cursor.at + 1 + block.readUInt8(cursor.at)
    const site = swarm?.site(reader.siteNamed(block.toString('latin1', cursor.at + 1, nameEnd)))
    cursor.at = nameEnd
    for (let left = next(); left > 0; left--) {
      const host = next()
      site?.rememberGatewayHost(host)
    }
  }
}

function writePeer(table: SwarmTable, row: number, target: Buffer, offset: number): number {
  const { rows } = table
  let kept = 0
  for (const flag of KEPT_FLAGS) if (rows.has(row, flag)) kept |= flag
  offset = target.writeUInt16BE(kept, offset)
  offset = target.writeUInt16BE(rows.stalls(row), offset)
  offset = target.writeUInt16BE(rows.port(row), offset)
  offset = target.writeUInt16BE(rows.lifetimeSeconds(row), offset)
  offset = target.writeUInt32BE(rows.leftKib(row), offset)
  offset = target.writeUInt32BE(rows.downloadedKib(row), offset)
  offset = target.writeUInt32BE(rows.identity(row), offset)
  offset = target.writeUInt32BE(rows.heardAtMs(row, 0) >>> 0, offset)
  const address = addressToBytes(rows.address(row))
  return offset + address.copy(target, offset)
}

/** Returns the new row, or -1 where the peer is gone. */
function readPeer(block: Buffer, cursor: { at: number }, infoHash: Buffer, reader: SwarmReader): number {
  const { table } = reader
  const start = cursor.at
  const kept = block.readUInt16BE(start)
  const has = (flag: number) => (kept & flag) !== 0
  cursor.at = start + PEER_ADDRESS_AT + (has(flags.v6) ? 16 : 4)
  if (cursor.at > block.length) throw new RangeError('the block ends inside a peer')
  const address = addressFromBytes(block.subarray(start + PEER_ADDRESS_AT, cursor.at))
  const place = reader.locate(address)
  const heardAt = block.readUInt32BE(start + 20)
  const heardAtMs = reader.nowMs - ((reader.nowMs - heardAt) | 0)
  const lifetimeSeconds = block.readUInt16BE(start + 6)
  if (place < 0 || heardAtMs + lifetimeSeconds * 1000 < reader.nowMs) return -1
  const { row } = table.observe({
    infoHash,
    address,
    port: block.readUInt16BE(start + 4),
    place,
    identity: block.readUInt32BE(start + 16),
    role: has(flags.seed) ? 'seed' : has(flags.partial) ? 'partial' : 'needy',
    leftKib: block.readUInt32BE(start + 8),
    downloadedKib: block.readUInt32BE(start + 12),
    nowMs: heardAtMs,
    lifetimeSeconds,
    isReachable: !has(flags.unreachable),
    isDoubtful: has(flags.doubtful),
    isSlowToForward: has(flags.slowToForward),
  })
  table.rows.setStalls(row, block.readUInt16BE(start + 2))
  table.rows.setFlag(row, flags.proven, has(flags.proven))
  return row
}

function* rowsOf(table: SwarmTable, swarm: Swarm): Generator<number> {
  for (const site of swarm.sites) for (const list of site.lists) yield* list.all(table.rows)
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4)
  let offset = 0
  for (const value of values) offset = bytes.writeUInt32BE(value, offset)
  return bytes
}
