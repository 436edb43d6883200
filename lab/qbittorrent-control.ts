/**
 * Controls qBittorrent from inside a host's namespace: waits for its Web API, prints "ready", and adds the torrents when a
 * line arrives on standard input. Ends afterwards, so that it uses no processor time during the run.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ControlInstructions {
  readonly api: string
  readonly torrents: readonly string[]
  /** The files are complete. */
  readonly skipsChecking: boolean
}

/** All clients of a run start at the same time. */
const START_TIMEOUT_MS = 60_000
const POLL_INTERVAL_MS = 200

const { api, torrents, skipsChecking } = JSON.parse(process.argv[2] ?? '') as ControlInstructions

const deadlineMs = Date.now() + START_TIMEOUT_MS
while (!(await isAnswering())) {
  if (Date.now() > deadlineMs) throw new Error('the Web API does not answer')
  await sleep(POLL_INTERVAL_MS)
}
const input = createInterface({ input: process.stdin })
process.stdout.write('ready\n')
await once(input, 'line')

const form = new FormData()
for (const path of torrents) form.append('torrents', new Blob([await readFile(path)]), basename(path))
if (skipsChecking) form.append('skip_checking', 'true')
const response = await fetch(`${api}/torrents/add`, { method: 'POST', body: form })
const text = await response.text()
if (!response.ok || text !== 'Ok.') throw new Error(`the torrents are not added: ${response.status} ${text}`)
input.close()
process.stdin.destroy()

async function isAnswering(): Promise<boolean> {
  const version = await fetch(`${api}/app/version`).catch(() => undefined)
  await version?.body?.cancel()
  return version?.ok === true
}
