/**
 * Starts the tracker's HTTP listener with registered torrents on a loopback socket. The test defines the state of the
 * swarms. Clients send requests from 127.<site>.<bubble>.x, the prefixes of a-topology.ts.
 */
import { CurrentTopology } from '../src/topology/current-topology.ts'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Address, parseAddress } from '../src/core/address.ts'
import { ManualClock } from '../src/core/clock.ts'
import type { OriginRefusal } from '../src/core/origin-metrics.ts'
import { TorrentRegistry } from '../src/registry/torrent-registry.ts'
import { TorrentVariants } from '../src/registry/torrent-variants.ts'
import { TorrentHandler } from '../src/server/http/torrent-handler.ts'
import { HttpServer } from '../src/server/http/http-server.ts'
import { subjectOf } from '../src/webseed/web-seeds.ts'
import { ContentSource } from '../src/webseed/content-source.ts'
import { OriginFetchLimiter } from '../src/webseed/origin-fetch-limiter.ts'
import { type WaitingLimits, WebSeedHandler } from '../src/server/http/web-seed-handler.ts'
import { aTopology } from './a-topology.ts'
import { aTorrentStore, type TestTorrentStore } from './a-torrent-store.ts'
import { RecordingTracker } from './recording-tracker.ts'

export interface Response {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface DownloadServer {
  readonly store: TestTorrentStore
  readonly registry: TorrentRegistry
  readonly variants: TorrentVariants
  /** Folder of file origins. */
  readonly directory: string
  readonly clock: ManualClock
  /** State of the swarms by site index; the test changes it. */
  readonly swarm: {
    warmSites: number[]
    gateways: string[]
    webSeed: string | undefined
    readonly topology: CurrentTopology
  }
  readonly counted: { bytes: number; readonly refused: OriginRefusal[]; readonly codes: string[] }
  /** Fields of each warning in the log. */
  readonly warned: Readonly<Record<string, unknown>>[]
  readonly port: number
  get(path: string, from: string, options?: RequestOptions): Promise<Response>
}

export async function aDownloadServer(
  options: {
    readonly waitLimits?: WaitingLimits
    readonly copiesPerSite?: number
    readonly cacheBytesMax?: number
    readonly isTrusted?: (address: Address) => boolean
  } = {},
): Promise<DownloadServer> {
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const clock = new ManualClock()
  const store = aTorrentStore()
  const registry = new TorrentRegistry({ store, clock, admit: 'any' })
  const swarm: DownloadServer['swarm'] = {
    warmSites: [],
    gateways: [],
    webSeed: undefined,
    topology: new CurrentTopology(aTopology()),
  }
  const counted: DownloadServer['counted'] = { bytes: 0, refused: [], codes: [] }
  const warned: Readonly<Record<string, unknown>>[] = []
  const metrics = {
    originBytes: (_site: number, bytes: number) => (counted.bytes += bytes),
    originSaved: () => {},
    originRefused: (_site: number, why: OriginRefusal) => void counted.refused.push(why),
  }
  const parts = {
    registry,
    topology: swarm.topology,
    metrics,
    onRefusal: (code: string) => void counted.codes.push(code),
    log: {
      debug() {},
      info() {},
      warn: (fields: Readonly<Record<string, unknown>>) => void warned.push(fields),
      error() {},
    },
  }
  const variants = new TorrentVariants({
    ...parts,
    webSeedFor: () => swarm.webSeed,
    ...(options.cacheBytesMax === undefined ? {} : { cacheBytesMax: options.cacheBytesMax }),
  })
  const content = new ContentSource({ registry, directory, environment: {}, redirectsTo: [] })
  const torrents = new TorrentHandler({ ...parts, variants })
  const limiter = new OriginFetchLimiter({
    clock,
    metrics,
    leases: { claim: () => 'undecided', renew: () => {}, release: () => {} },
    limits: { copiesPerSite: options.copiesPerSite ?? 1.1, requestsPerSite: 8 },
  })
  const viewOf = (siteIndex: number) => ({
    isWarm: swarm.warmSites.includes(siteIndex),
    gateways: swarm.gateways.map((text) => parseAddress(text) as Address),
  })
  const webSeeds = new WebSeedHandler({
    ...parts,
    webSeeds: {
      content,
      unavailableReason: (origin) => content.unavailableReason(origin),
      isWarm: (_registration, siteIndex) => viewOf(siteIndex).isWarm,
      requestFetch: (registration, site, address) =>
        limiter.request(subjectOf(registration, site), address, viewOf(site.index)),
    },
    // Long enough to be seen waiting, and soon over.
    waitLimits: options.waitLimits ?? { waitMs: 100, pollIntervalMs: 10, waitingMax: 10 },
  })
  const server = new HttpServer({
    ...parts,
    tracker: new RecordingTracker(),
    isTrusted: options.isTrusted ?? (() => false),
    torrents,
    webSeeds,
  })
  const port = await server.start({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await server.stop(100)
    content.close()
  })
  const get = (path: string, from: string, more: RequestOptions = {}) =>
    ask(port, path, { localAddress: from, ...more })
  return { store, registry, variants, directory, clock, swarm, counted, warned, port, get }
}

/** Sends the path unchanged; `fetch` would normalize it. */
export function ask(port: number, path: string, options: RequestOptions = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
      .on('error', reject)
      .end()
  })
}

/** Registers a torrent of one file, with the file below the server's directory as its origin. */
export async function registerFile(
  server: DownloadServer,
  content: Buffer,
  name = 'image.bin',
): Promise<{ readonly infoHash: string; readonly path: string }> {
  const path = join(server.directory, name)
  await writeFile(path, content)
  const torrent = contentTorrent(content, name)
  const { registration } = await server.registry.register(torrent, path)
  return { infoHash: registration.infoHashes[0]?.toString('hex') ?? '', path }
}

const PIECE_BYTES = 16_384

export function contentTorrent(content: Buffer, name: string): Buffer {
  const hashes: Buffer[] = []
  for (let at = 0; at < content.length; at += PIECE_BYTES)
    hashes.push(
      createHash('sha1')
        .update(content.subarray(at, at + PIECE_BYTES))
        .digest(),
    )
  const pieces = Buffer.concat(hashes)
  return Buffer.concat([
    Buffer.from(
      `d8:announce3:old4:infod6:lengthi${content.length}e4:name${Buffer.byteLength(name)}:${name}` +
        `12:piece lengthi${PIECE_BYTES}e6:pieces${pieces.length}:`,
    ),
    pieces,
    Buffer.from('7:privatei1eee'),
  ])
}
