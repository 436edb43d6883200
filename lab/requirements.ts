/** Requirements of a run, checked before it starts: programs, namespaces, traffic shaping, memory. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { clientsNamed } from './clients/kinds.ts'
import type { ProgramRequirement } from './requirement.ts'
import type { RunOptions } from './result.ts'
import { scenarioNamed } from './scenarios.ts'
import { trackerNamed } from './trackers/kinds.ts'
import { watcherRequirement } from './watcher.ts'
import { siteswarmProgram } from './trackers/rewritten-torrent.ts'

const execute = promisify(execFile)

/** Arguments of `unshare` for a namespace of each kind; without root, as root of a user namespace. */
export const unshareArguments: readonly string[] = [
  ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child=SIGKILL',
  '--mount-proc',
]

const systemPrograms: readonly ProgramRequirement[] = [
  { program: 'unshare', install: 'apt-get install util-linux' },
  { program: 'nsenter', install: 'apt-get install util-linux' },
  { program: 'ip', install: 'apt-get install iproute2' },
  { program: 'tc', install: 'apt-get install iproute2' },
]

const firewall: ProgramRequirement = { program: 'nft', install: 'apt-get install nftables' }

/** Memory of one client process and its buffers; measured with libtorrent in Python, the largest of them. */
const MEMORY_PER_HOST_BYTES = 64 * 1024 * 1024
/** A busy machine needs ten seconds to start a program; a missing one is known at once. */
const ANSWER_MS_MAX = 60_000

/** One line for each program that is missing and cannot be fetched, with the command that installs it. */
export function missingPrograms(
  options: Pick<
    RunOptions,
    | 'client'
    | 'tracker'
    | 'checkout'
    | 'closed'
    | 'isIsolated'
    | 'comparesProgress'
    | 'linkRate'
    | 'linkOpensAfterSeconds'
  >,
): Promise<string[]> {
  return missingOf([
    ...systemPrograms,
    ...clientsNamed(options.client).flatMap(({ requires }) => requires),
    ...trackerNamed(options.tracker).requires(siteswarmProgram(options.checkout)),
    ...(options.closed === undefined && !options.isIsolated && !options.comparesProgress ? [] : [firewall]),
    ...(isWatched(options) ? [watcherRequirement] : []),
  ])
}

/** Clients or nodes are read during the run. */
function isWatched(
  options: Pick<RunOptions, 'comparesProgress' | 'linkRate' | 'linkOpensAfterSeconds'>,
): boolean {
  return (
    options.comparesProgress || options.linkRate !== undefined || options.linkOpensAfterSeconds !== undefined
  )
}

/** The same for any list of requirements. */
export async function missingOf(requirements: readonly ProgramRequirement[]): Promise<string[]> {
  const missing: string[] = []
  for (const { program, check, install, fetch } of requirements) {
    if (await succeeds(check ?? ['sh', '-c', `command -v ${program}`])) continue
    const reason = fetch === undefined ? '' : await fetch()
    if (reason === undefined) continue
    missing.push([`${program}: ${install}`, ...(reason === '' ? [] : [reason])].join('; '))
  }
  return missing
}

/** The reason why this kernel or this user cannot create the network, or undefined. */
export async function namespaceProblem(congestion: string): Promise<string | undefined> {
  const probe = `mount -t tmpfs none /run && mkdir /run/netns && ip netns add probe &&
    ip link add lab0 type veth peer name lab1 && ip link add lab2 type bridge && ip link set lab0 up &&
    ip link set lab0 gso_max_segs 1 &&
    tc qdisc add dev lab0 root tbf rate 1mbit burst 32kb limit 32kb &&
    tc qdisc add dev lab1 root handle 1: htb && tc class add dev lab1 parent 1: classid 1:1 htb rate 1mbit &&
    tc filter add dev lab1 parent 1: protocol ip u32 match ip dst 10.1.0.1/32 flowid 1:1 &&
    ip route add 10.1.0.0/16 dev lab0 congctl ${congestion}`
  try {
    await execute('unshare', [...unshareArguments, 'sh', '-ec', probe])
    return undefined
  } catch (error) {
    const message = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)
    return `this machine does not allow the network namespaces, links and queues that the laboratory needs: ${message}`
  }
}

/**
 * The reason why the memory cannot hold the hosts' files, or undefined. All files are in memory, because a disk would be
 * slower than the links.
 */
export async function memoryProblem(options: RunOptions): Promise<string | undefined> {
  const hosts = options.sites * options.hosts
  const neededBytes =
    hosts * (options.sizeBytes * scenarioNamed(options.scenario).torrents + MEMORY_PER_HOST_BYTES)
  const availableKiB = Number(
    /^MemAvailable: +(\d+)/m.exec(await readFile('/proc/meminfo', 'latin1'))?.[1] ?? 0,
  )
  if (neededBytes <= availableKiB * 1024) return undefined
  const gib = (bytes: number) => (bytes / 1024 ** 3).toFixed(1)
  return `${hosts} hosts with their files need ${gib(neededBytes)} GiB of memory, ${gib(availableKiB * 1024)} GiB are free; use fewer --hosts or a smaller --size`
}

async function succeeds(command: readonly string[]): Promise<boolean> {
  const [program = '', ...args] = command
  return execute(program, args, { timeout: ANSWER_MS_MAX }).then(
    () => true,
    () => false,
  )
}
