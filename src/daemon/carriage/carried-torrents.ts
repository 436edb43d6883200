/**
 * The torrents and clients that this node carries, as commands for the process of its carriers. A torrent begins with
 * its first client and ends with its last one.
 *
 * The pieces of a registered torrent are read before its first client is passed on: a carrier that knows them fetches
 * ahead of the hosts, and checks what it fetched.
 */
import type { CarrierCommand } from '../../carriers/process/messages.ts'
import { infoHashKey } from '../../core/info-hash.ts'
import type { PieceHashes } from '../../metainfo/piece-hashes.ts'
import type { ClientUpdate } from '../../observers/observed-client.ts'

type ClientCommand = Extract<CarrierCommand, { readonly kind: 'client' }>

export interface CarriedTorrentsInit {
  readonly command: (command: CarrierCommand) => void
  /** undefined for a torrent that is not registered, or has no v1 pieces. Never rejects. */
  readonly readPieces: (infoHash: Buffer) => Promise<PieceHashes | undefined>
  /** Whether `readPieces` may have a result. */
  readonly isRegistered: (infoHash: Buffer) => boolean
}

interface CarriedTorrent {
  readonly infoHash: Buffer
  readonly clients: Map<string, ClientCommand>
  /** `reading`: the clients wait until the pieces are known. */
  pieces: 'unknown' | 'reading' | 'known'
}

export class CarriedTorrents {
  readonly #init: CarriedTorrentsInit
  readonly #torrents = new Map<string, CarriedTorrent>()

  constructor(init: CarriedTorrentsInit) {
    this.#init = init
  }

  has(infoHash: Buffer): boolean {
    return this.#torrents.has(infoHashKey(infoHash))
  }

  /** Names of the sites with clients of the torrent. */
  sitesOf(infoHash: Buffer): string[] {
    const clients = this.#torrents.get(infoHashKey(infoHash))?.clients.values() ?? []
    return [...new Set([...clients].map(({ site }) => site))]
  }

  update(site: string, { infoHash, address, port, isAnnouncedComplete, leftKib }: ClientUpdate): void {
    const torrent = this.#torrentOf(infoHash)
    const text = address.toString()
    const key = clientKey(site, text, port)
    if (torrent.clients.get(key)?.isAnnouncedComplete === isAnnouncedComplete) return
    const command: ClientCommand = {
      kind: 'client',
      site,
      infoHash: torrent.infoHash,
      address: text,
      port,
      isAnnouncedComplete,
      leftKib,
    }
    torrent.clients.set(key, command)
    if (torrent.pieces !== 'reading') this.#init.command(command)
  }

  remove(site: string, { infoHash, address, port }: ClientUpdate): void {
    const torrent = this.#torrents.get(infoHashKey(infoHash))
    const text = address.toString()
    if (torrent?.clients.delete(clientKey(site, text, port)) !== true) return
    const { command } = this.#init
    command({ kind: 'remove', site, infoHash: torrent.infoHash, address: text, port })
    if (torrent.clients.size > 0) return
    this.#torrents.delete(infoHashKey(infoHash))
    command({ kind: 'forget', infoHash: torrent.infoHash })
  }

  /** The registered torrents changed. */
  readMissingPieces(): void {
    for (const torrent of this.#torrents.values()) if (torrent.pieces === 'unknown') this.#readPieces(torrent)
  }

  #torrentOf(infoHash: Buffer): CarriedTorrent {
    const key = infoHashKey(infoHash)
    const known = this.#torrents.get(key)
    if (known !== undefined) return known
    const torrent: CarriedTorrent = {
      infoHash: Buffer.from(infoHash),
      clients: new Map(),
      pieces: 'unknown',
    }
    this.#torrents.set(key, torrent)
    this.#readPieces(torrent)
    return torrent
  }

  #readPieces(torrent: CarriedTorrent): void {
    if (!this.#init.isRegistered(torrent.infoHash)) return
    torrent.pieces = 'reading'
    void this.#sendPieces(torrent)
  }

  async #sendPieces(torrent: CarriedTorrent): Promise<void> {
    const { infoHash } = torrent
    const pieces = await this.#init.readPieces(infoHash)
    if (this.#torrents.get(infoHashKey(infoHash)) !== torrent) return
    const { command } = this.#init
    torrent.pieces = pieces === undefined ? 'unknown' : 'known'
    if (pieces !== undefined) command({ kind: 'geometry', infoHash, ...pieces })
    for (const client of torrent.clients.values()) command(client)
  }
}

function clientKey(site: string, address: string, port: number): string {
  return `${site} ${address} ${port}`
}
