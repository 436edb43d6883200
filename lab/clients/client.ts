/**
 * Interface of a BitTorrent client in the laboratory: it starts at a given moment and signals completion. One file for
 * each client implements it.
 *
 * Each client signals completion by its own hook, which creates an empty file named after the content in the host's `done`
 * directory. The hook costs nothing during the download, and the file's time is the completion time.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProgramRequirement } from '../requirement.ts'
import type { LabHost } from '../plan.ts'

export interface ClientJob {
  readonly host: LabHost
  /** One for each torrent; the content's file is `<data>/<content name>`. */
  readonly torrentFiles: readonly string[]
  /** A source starts with complete files, every other host with none. */
  readonly isSource: boolean
  readonly settings: string
  readonly directory: string
  readonly data: string
  readonly done: string
  /** The client opens its interface on loopback, so that its progress can be read. */
  readonly isWatched: boolean
}

/** Where the pieces of a client are read: a kind of `watch-targets.py`, and the path of a file or socket. */
export interface ProgressSource {
  readonly kind: 'libtorrent' | 'transmission' | 'aria2' | 'rtorrent' | 'qbittorrent'
  readonly path?: string
}

export interface RunningClient {
  /** Undefined before `start` for clients that are launched by it. */
  readonly process: () => ChildProcess | undefined
  /** Adds the torrents; the host's time is measured from here. */
  readonly start: () => Promise<void>
}

export interface ClientKind {
  readonly name: string
  readonly requires: readonly ProgramRequirement[]
  /** TCP and UDP port for incoming peer connections. */
  readonly port: number
  /** Named sets of settings, each with a description. */
  readonly settings: Readonly<Record<string, string>>
  /** For a client that is watched. */
  readonly progress: (directory: string) => ProgressSource
  /** Does the slow part of the start-up, without adding the torrents. */
  readonly prepare: (job: ClientJob) => Promise<RunningClient>
}

export async function makeHostDirectories(directory: string): Promise<{ data: string; done: string }> {
  const [data, done] = [join(directory, 'data'), join(directory, 'done')]
  await mkdir(data, { recursive: true })
  await mkdir(done, { recursive: true })
  return { data, done }
}

/** Writes a completion hook; `name` is the shell expression for the content's name. */
export async function writeDoneHook(job: ClientJob, name: string): Promise<string> {
  const path = join(job.directory, 'done.sh')
  await writeFile(path, `#!/bin/sh\n: > "${job.done}/"${name}\n`, { mode: 0o755 })
  return path
}

/** Remote IPv4 addresses of established TCP connections, from the kernel's tables of the process's network namespace. */
export async function connectedAddresses(processId: number): Promise<Set<string>> {
  // rtorrent opens IPv6 sockets and uses mapped addresses.
  const table =
    (await readFile(`/proc/${processId}/net/tcp`, 'latin1').catch(() => '')) +
    (await readFile(`/proc/${processId}/net/tcp6`, 'latin1').catch(() => ''))
  const addresses = new Set<string>()
  // `  1: 0100010A:1AE1 0101020A:C350 01 …`: local and remote address little-endian, then the state; 01 is ESTABLISHED.
  for (const line of table.split('\n')) {
    const [, , remote, state] = line.trim().split(/\s+/)
    if (remote === undefined || state !== '01') continue
    addresses.add(
      [...Buffer.from(remote.slice(0, remote.indexOf(':')).slice(-8), 'hex')].toReversed().join('.'),
    )
  }
  return addresses
}
