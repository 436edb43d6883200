/**
 * Links a client for a carrier: the connection with the values of its torrent.
 */
import type { Random } from '../core/random.ts'
import type { BitfieldMemory } from '../observers/bitfield-memory.ts'
import type { Dial } from '../observers/client-socket.ts'
import { LivenessProbe } from '../observers/liveness-probe.ts'
import { PieceRecord } from '../observers/piece-record.ts'
import type { TorrentPieces } from '../observers/torrent-pieces.ts'
import { makePeerId } from '../wire/peer/peer-id.ts'
import type { BlockRouter } from './block-router.ts'
import type { CarriedClient } from './carried-client.ts'
import { ClientLink } from './client-link.ts'
import type { LinkEvents, LinkInit } from './link-init.ts'

export interface LinkContext {
  readonly infoHash: Buffer
  readonly bitfields: BitfieldMemory
  readonly random: Random
  readonly dial: Dial
  readonly nowMs: () => number
}

export function linkClient(
  client: CarriedClient,
  { infoHash, bitfields, random, dial, nowMs }: LinkContext,
  {
    torrent,
    isRegistered,
    mayOffer,
    router,
    request,
    connect,
    isAccepted,
    events,
  }: {
    readonly torrent: TorrentPieces
    /** The size of a piece is known, therefore a piece that was served whole is at the client. */
    readonly isRegistered: () => boolean
    /** The client is going to receive another offer. */
    readonly mayOffer: (client: CarriedClient) => boolean
    readonly router: BlockRouter
    readonly request: LinkInit['router']['request']
    readonly connect: LinkInit['connect']
    /** The client opened the connection. */
    readonly isAccepted: boolean
    readonly events: Omit<LinkEvents, 'onReady' | 'onBlock'>
  },
): ClientLink {
  const at = { address: client.address, port: client.port }
  const link: ClientLink = new ClientLink({
    name: client.name,
    host: client.address.toString(),
    kind: client.kind,
    infoHash,
    peerId: makePeerId(random),
    pieces: new PieceRecord(torrent, bitfields),
    hasSilently: (piece) => isRegistered() && !client.sendsHave && client.assigned.had.has(piece),
    router: { request, cancel: (requester, block) => router.cancel(requester, block) },
    connect,
    offers: () => client.assigned.offered.size,
    probe: isAccepted
      ? undefined
      : (onOutcome) => new LivenessProbe({ client: { infoHash, ...at }, dial, nowMs, onOutcome }),
    isWithheld: (block) => mayOffer(client) && client.pausesAfter(block),
    nowMs,
    events: {
      ...events,
      onReady: (isReady) => (isReady ? router.ready(link) : router.choked(link)),
      onBlock: (block, data) => router.received(link, block, data),
    },
  })
  return link
}
