/**
 * `GET /torrents/{infohash}.torrent` and `.magnet` on the tracker's listener: the variant of a torrent for the place of
 * the client. The client's address selects the place, as for an announce; `?site=&bubble=` selects another one, for
 * operators and for hosts that get their torrent from another host.
 *
 * The rule `unmapped` applies to an address that the topology does not map, also with `?site=`: the trackers in a torrent
 * are as private to a site as its peers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Address } from '../../core/address.ts'
import { parseInfoHash } from '../../core/info-hash.ts'
import { Refusal, type RefusalCode } from '../../core/errors.ts'
import type { CurrentTopology } from '../../topology/current-topology.ts'
import { NO_BUBBLE, type Place, type Topology } from '../../topology/topology.ts'
import { attachmentHeader, isNotModified, sendText } from './responses.ts'
import type { Registration } from '../../registry/registration.ts'
import type { TorrentRegistry } from '../../registry/torrent-registry.ts'
import type { TorrentVariants } from '../../registry/torrent-variants.ts'

export interface TorrentHandlerComponents {
  readonly registry: TorrentRegistry
  readonly variants: TorrentVariants
  readonly topology: CurrentTopology
  readonly onRefusal: (code: RefusalCode) => void
}

export class TorrentHandler {
  readonly #registry: TorrentRegistry
  readonly #variants: TorrentVariants
  readonly #topology: CurrentTopology
  readonly #onRefusal: (code: RefusalCode) => void

  constructor({ registry, variants, topology, onRefusal }: TorrentHandlerComponents) {
    this.#registry = registry
    this.#variants = variants
    this.#topology = topology
    this.#onRefusal = onRefusal
  }

  /** Handles a GET or HEAD of `/torrents/…`. */
  async handle(request: IncomingMessage, response: ServerResponse, from: Address): Promise<void> {
    const topology = this.#topology.value
    const here = topology.places[topology.locate(from)]
    if (here === undefined) return this.#refuse(response, 403, 'TRK_ADDRESS_UNMAPPED', from.toString())

    const { path, query } = splitTarget(request.url ?? '')
    const [, digits = '', kind] = /^\/torrents\/([0-9a-f]+)\.(torrent|magnet)$/i.exec(path) ?? []
    const infoHash = parseInfoHash(digits)
    if (infoHash === undefined || kind === undefined)
      return sendText(
        response,
        404,
        'the path must be /torrents/{infohash}.torrent or .magnet, with 40 or 64 hexadecimal digits',
      )
    const registration = this.#registry.find(infoHash)
    if (registration === undefined || !isFullMatch(registration, digits))
      return this.#refuse(response, 404, 'TRK_TORRENT_UNKNOWN', digits.toLowerCase())
    const place = choosePlace(topology, here, query)
    if (typeof place === 'string') return sendText(response, 404, place)

    const served = await this.#variants.get(registration, place)
    if (served === undefined)
      return sendText(response, 404, `the topology has no tracker for clients of ${place.site.name}`)
    // The same URL has other bytes for clients of other places, so no shared cache may keep them.
    response.setHeader('Cache-Control', 'private, no-cache')
    if (kind.toLowerCase() === 'magnet') return sendText(response, 200, served.magnet)
    response.setHeader('ETag', served.etag)
    if (isNotModified(request.headers['if-none-match'], served.etag)) {
      response.writeHead(304).end()
      return
    }
    response.writeHead(200, {
      'Content-Type': 'application/x-bittorrent',
      'Content-Length': served.sizeBytes,
      'Content-Disposition': attachmentHeader(served.name, '.torrent'),
    })
    if (request.method === 'GET') for (const part of served.parts) response.write(part)
    response.end()
  }

  #refuse(response: ServerResponse, status: number, code: RefusalCode, detail: string): void {
    this.#onRefusal(code)
    sendText(response, status, new Refusal(code, detail).message)
  }
}

function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const mark = target.indexOf('?')
  return mark < 0
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) }
}

/** A v2 infohash of 64 digits has to match in full; `find` compares the first 40 only. */
function isFullMatch({ metadata }: Registration, digits: string): boolean {
  const full = metadata?.infoHashV2 ?? null
  return digits.length === 40 || full === null || full === digits.toLowerCase()
}

/** The selected place, or the problem with the query. */
function choosePlace(topology: Topology, here: Place, query: URLSearchParams): Place | string {
  const siteName = query.get('site')
  const bubbleName = query.get('bubble')
  if (siteName === null && bubbleName === null) return here
  const site = siteName === null ? here.site : topology.siteNamed(siteName)
  if (site === undefined) return `the topology has no site ${JSON.stringify(siteName)}`
  const bubble = bubbleName ?? NO_BUBBLE
  const place = site.places.find((candidate) => candidate.bubble === bubble)
  return place ?? `the site ${site.name} has no bubble ${JSON.stringify(bubble)}`
}
