/** Reads the pieces of a registered torrent, with which its carrier checks what it fetches. */
import type { Log } from '../../core/log.ts'
import { pieceHashes, type PieceHashes } from '../../metainfo/piece-hashes.ts'
import type { TorrentRegistry } from '../../registry/torrent-registry.ts'

/** undefined for a torrent that is not registered, has no v1 pieces, or cannot be read. Never rejects. */
export async function readPieces(
  infoHash: Buffer,
  registry: TorrentRegistry,
  log: Log,
): Promise<PieceHashes | undefined> {
  const registration = registry.find(infoHash)
  if (registration === undefined) return undefined
  try {
    const metainfo = await registry.read(registration)
    // The swarm of the other infohash of a hybrid torrent has pieces of another kind.
    return metainfo?.infoHashV1?.equals(infoHash) === true ? pieceHashes(metainfo) : undefined
  } catch (err) {
    log.warn(
      { event: 'carried-torrent-unreadable', infoHash: infoHash.toString('hex'), err },
      'the pieces of a registered torrent cannot be read; it is carried without checking them',
    )
    return undefined
  }
}
