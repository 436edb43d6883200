/**
 * What the laboratory wants from any BitTorrent client: begin together with the others, say when it is done, and
 * who it is connected to. One file per client says how that one is asked for it.
 *
 * Every client tells that a torrent is complete by its own hook, which makes an empty file named after the content
 * in the host's `done` directory. That costs nothing while it downloads, and its time is the file's time.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Need } from '../need.ts'
import type { LabHost } from '../plan.ts'

export interface ClientJob {
  readonly host: LabHost
  /** One per torrent; the content's file is `<data>/<content name>`. */
  readonly torrentFiles: readonly string[]
  /** A source starts with everything there; nobody else starts with anything. */
  readonly isSource: boolean
  readonly settings: string
  readonly directory: string
  readonly data: string
  readonly done: string
}

export interface RunningClient {
  /** Changes when the program is started by `go`. */
  readonly process: () => ChildProcess | undefined
  /** Adds the torrents: from here on the clock of this host runs. */
  readonly go: () => Promise<void>
}

export interface ClientKind {
  readonly name: string
  readonly needs: readonly Need[]
  /** Named sets of settings with a sentence each; the first is the default. */
  readonly settings: Readonly<Record<string, string>>
  /** Gets everything ready that takes time, short of adding the torrents. */
  readonly prepare: (job: ClientJob) => Promise<RunningClient>
}

export async function makeHostDirectories(directory: string): Promise<{ data: string; done: string }> {
  const [data, done] = [join(directory, 'data'), join(directory, 'done')]
  await mkdir(data, { recursive: true })
  await mkdir(done, { recursive: true })
  return { data, done }
}

/** Writes a hook script; `name` is the shell expression for the content's name. */
export async function writeDoneHook(job: ClientJob, name: string): Promise<string> {
  const path = join(job.directory, 'done.sh')
  await writeFile(path, `#!/bin/sh\n: > "${job.done}/"${name}\n`, { mode: 0o755 })
  return path
}

/** The IPv4 addresses a process has TCP connections with, from the kernel's tables of its namespace. */
export async function connectedAddresses(processId: number): Promise<Set<string>> {
  // rtorrent's sockets are IPv6 ones with mapped addresses.
  const table =
    (await readFile(`/proc/${processId}/net/tcp`, 'latin1').catch(() => '')) +
    (await readFile(`/proc/${processId}/net/tcp6`, 'latin1').catch(() => ''))
  const addresses = new Set<string>()
  // `  1: 0100010A:1AE1 0101020A:C350 01 …`: local and remote address little-endian, then the state; 01 is connected.
  for (const line of table.split('\n')) {
    const [, , remote, state] = line.trim().split(/\s+/)
    if (remote === undefined || state !== '01') continue
    addresses.add(
      [...Buffer.from(remote.slice(0, remote.indexOf(':')).slice(-8), 'hex')].toReversed().join('.'),
    )
  }
  return addresses
}
