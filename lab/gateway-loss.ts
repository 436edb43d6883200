/** Time from the removal of a gateway to the line in which a node of siteswarm reports its loss. */
import { readFile } from 'node:fs/promises'
import type { RemovedHost } from './faults.ts'

/** `log`: lines of JSON. undefined where no line reports the loss. */
export function detectedAfterSeconds(log: string, address: string, removedAtMs: number): number | undefined {
  for (const line of log.split('\n')) {
    if (!line.includes('"event":"gateway-lost"')) continue
    const { time, gateway } = JSON.parse(line) as { readonly time: string; readonly gateway: string }
    const atMs = Date.parse(time)
    if (atMs >= removedAtMs && gateway.startsWith(`${address}:`)) return (atMs - removedAtMs) / 1000
  }
  return undefined
}

/** The earliest over all nodes, and the latest over all removed hosts; null where none was reported. */
export async function detectionOf(
  removed: readonly RemovedHost[],
  logPaths: readonly string[],
): Promise<number | null> {
  const logs = await Promise.all(logPaths.map((path) => readFile(path, 'utf8').catch(() => '')))
  const detected = removed.flatMap(({ member, removedAtMs }) => {
    const times = logs.flatMap((log) => detectedAfterSeconds(log, member.host.address, removedAtMs) ?? [])
    return times.length === 0 ? [] : [Math.min(...times)]
  })
  return detected.length === 0 ? null : Math.max(...detected)
}
