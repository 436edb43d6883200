/** Results of the hosts after a run: completion and integrity of each, the affected ones, and logs for the failed ones. */
import { copyFile, mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Content, isIntact } from './content.ts'
import type { RemovedHost } from './faults.ts'
import type { Impostor } from './impostors.ts'
import { LabMember } from './member.ts'
import { bubbleName, siteName } from './plan.ts'
import type { AffectedHost, HostResult, RunOptions } from './result.ts'

export async function collectHosts(
  members: readonly LabMember[],
  contents: readonly Content[],
  startMs: number,
): Promise<HostResult[]> {
  const results: HostResult[] = []
  const since = (atMs: number) => Math.max(0, (atMs - startMs) / 1000)
  for (const member of members) {
    const wanted = contents.filter((content) => member.wanted.includes(content))
    let intact: boolean | null = null
    if (member.doneAtMs !== undefined && !member.isSource) {
      intact = true
      for (const content of wanted) intact = (await isIntact(member.dataPath(content), content)) && intact
    }
    results.push({
      name: member.host.name,
      site: siteName(member.host.site),
      bubble: bubbleName(member.host.bubble),
      address: member.host.address,
      client: member.kind.name,
      role: member.isSource ? 'source' : member.isLost ? 'lost' : 'leecher',
      startedSeconds: member.startedAtMs === undefined ? 0 : since(member.startedAtMs),
      doneSeconds: member.isSource || member.doneAtMs === undefined ? null : since(member.doneAtMs),
      intact,
      remotePeers: [...member.remotePeers].toSorted(),
    })
  }
  return results
}

interface Affected {
  readonly hosts: readonly HostResult[]
  readonly closed: readonly LabMember[]
  readonly impostors: readonly Impostor[]
  readonly removed: readonly RemovedHost[]
  readonly options: RunOptions
}

/** One entry for each host with a fault. A closed host must complete like every other one. */
export async function affectedHosts(run: Affected): Promise<AffectedHost[]> {
  const affected: AffectedHost[] = []
  for (const { host } of run.closed) {
    const result = run.hosts.find(({ name }) => name === host.name)
    affected.push({
      host: host.name,
      fault: `port closed (${run.options.closed?.mode})`,
      outcome: result === undefined ? 'no result' : outcomeOf(result),
    })
  }
  for (const removed of run.removed)
    affected.push({
      host: removed.member.host.name,
      fault: `${removed.how === 'sigkill' ? 'killed' : 'link cut'} at ${removed.seconds.toFixed(1)} s`,
      outcome: successionOf(removed),
    })
  for (const impostor of run.impostors) affected.push(await impostor.affected())
  return affected
}

function successionOf({ member, connectedBefore, successor }: RemovedHost): string {
  if (successor !== undefined)
    return `${successor.name} connected to another site ${successor.afterSeconds.toFixed(1)} s later`
  const others = [...connectedBefore].filter(
    (other) => other !== member && other.host.site === member.host.site,
  )
  return others.length === 0
    ? 'no other host of its site connected to another site'
    : `${others.length} other hosts of its site were connected to other sites already`
}

function outcomeOf({ role, doneSeconds, remotePeers }: HostResult): string {
  const completion =
    role === 'source'
      ? 'source'
      : doneSeconds === null
        ? 'did not complete'
        : `complete after ${doneSeconds.toFixed(1)} s`
  return `${completion}, connected to ${remotePeers.length} hosts of other sites`
}

export async function keepLogs(
  hosts: readonly (LabMember | Impostor)[],
  results: readonly HostResult[],
  trackerLogs: readonly string[],
  { keepLogsIn: target, keepsAllLogs }: RunOptions,
): Promise<void> {
  if (target === undefined) return
  const failed = results.filter(
    ({ role, doneSeconds, intact }) => role === 'leecher' && (doneSeconds === null || intact === false),
  )
  if (failed.length === 0 && !keepsAllLogs) return
  await mkdir(target, { recursive: true })
  for (const host of hosts) {
    const isLeecher = host instanceof LabMember && !host.isSource
    if (isLeecher && !keepsAllLogs && !failed.some(({ name }) => name === host.host.name)) continue
    await copyFile(host.logPath, join(target, `${host.host.name}.log`)).catch(() => undefined)
  }
  for (const log of trackerLogs) await copyFile(log, join(target, basename(log))).catch(() => undefined)
}
