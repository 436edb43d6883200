/**
 * Hosts that announce and do not transfer: a seed without content, an address where no client listens, a leecher that
 * stays connected and downloads nothing, a host with 500 ports, and a hostile host that does all of this at once. Each is an additional host of a site, beside those that must complete, and
 * announces before the leechers start, so that it is the first client of its site.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Content } from './content.ts'
import type { ImpostorReport } from './impostor-peer.ts'
import { type LabHost, bubbleName, siteName } from './plan.ts'
import { startProgram } from './processes.ts'
import { repositoryPath } from './repository.ts'
import type { AffectedHost, HostResult } from './result.ts'

export type ImpostorKind =
  | 'false-seed'
  | 'dead-seed'
  | 'dead-leecher'
  | 'silent-leecher'
  | 'stuck-gateway'
  | 'creeping-gateway'
  | 'many-ports'
  | 'lying-seed'
  | 'hostile'

export interface ImpostorPlan {
  readonly kind: ImpostorKind
  readonly site: number
}

/** A start and an announce take a Node process about a second; more on a busy machine. */
const ANNOUNCE_TIMEOUT_MS = 30_000
/** The last addresses of the first bubble; hosts use at most 250 of them. */
const FIRST_NUMBER = 251

const descriptions: Readonly<Record<ImpostorKind, string>> = {
  'false-seed': 'announces left=0 without content',
  'dead-seed': 'announces left=0 and a port without a listener',
  'dead-leecher': 'announces left>0 and a port without a listener',
  'lying-seed': 'announces left=0, shows all pieces and sends none',
  'silent-leecher': 'stays connected and downloads nothing',
  'stuck-gateway': 'announces every 5 s without progress',
  'creeping-gateway': 'announces every 5 s, each time with 1 KiB more',
  'many-ports': 'announces 500 ports and answers on each',
  hostile: 'false seeds, gateways without progress and 500 ports at once',
}

export class Impostor {
  readonly host: LabHost
  readonly kind: ImpostorKind
  readonly logPath: string
  readonly #directory: string
  #child: ChildProcess | undefined

  constructor(plan: ImpostorPlan, index: number, directory: string) {
    this.kind = plan.kind
    this.host = impostorHost(plan, index)
    this.#directory = join(directory, 'hosts', this.host.name)
    this.logPath = join(this.#directory, 'client.log')
  }

  /** Resolves when the tracker has answered the first announce. */
  async start(torrentFile: string, content: Content, signal: AbortSignal): Promise<void> {
    await mkdir(this.#directory, { recursive: true })
    const script = repositoryPath('dist-lab/lab/impostor-peer.js')
    const settings = {
      kind: this.kind,
      address: this.host.address,
      torrentFile,
      infoHash: content.infoHash.toString('hex'),
      sizeBytes: content.sizeBytes,
      pieces: content.pieces,
      reportPath: this.#reportPath,
    }
    this.#child = startProgram(this.host.name, [process.execPath, script, JSON.stringify(settings)], {
      directory: this.#directory,
      log: this.logPath,
      isPiped: true,
    })
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ANNOUNCE_TIMEOUT_MS)])
    try {
      await once(createInterface({ input: this.#child.stdout! }), 'line', { signal: deadline })
    } catch {
      signal.throwIfAborted()
      throw new Error(
        `${this.host.name} could not announce\n${await readFile(this.logPath, 'utf8').catch(() => '')}`,
      )
    }
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  result(): HostResult {
    return {
      name: this.host.name,
      site: siteName(this.host.site),
      bubble: bubbleName(this.host.bubble),
      address: this.host.address,
      client: 'impostor',
      role: 'impostor',
      startedSeconds: 0,
      doneSeconds: null,
      intact: null,
      remotePeers: [],
    }
  }

  async affected(): Promise<AffectedHost> {
    const report = JSON.parse(await readFile(this.#reportPath, 'utf8')) as ImpostorReport
    return {
      host: this.host.name,
      fault: `${this.kind}: ${descriptions[this.kind]}`,
      outcome: [
        `${report.announces} announces`,
        report.failedAnnounces > 0 ? `${report.failedAnnounces} failed` : '',
        report.accepted > 0 ? `${report.accepted} connections from ${report.acceptedFrom} hosts` : '',
        report.connectedTo > 0 ? `connected to ${report.connectedTo} hosts` : '',
        report.open > 0 ? `${report.open} open at the end` : 'no connection at the end',
      ]
        .filter((part) => part !== '')
        .join(', '),
    }
  }

  get #reportPath(): string {
    return join(this.#directory, 'report.json')
  }
}

export function planImpostors(plans: readonly ImpostorPlan[], directory: string): Impostor[] {
  return plans.map((plan, index) => new Impostor(plan, index, directory))
}

function impostorHost({ site }: ImpostorPlan, index: number): LabHost {
  return {
    name: `${siteName(site)}-x${index + 1}`,
    site,
    bubble: 1,
    address: `10.${site}.1.${FIRST_NUMBER + index}`,
  }
}
