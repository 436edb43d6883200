/** Requests that cost an outsider a line of text, and the node a torrent of many megabytes. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { announceFrom, aNode } from '../a-node.ts'
import { reportFigure } from './report-figure.ts'
import { requestFrom } from './request-from.ts'
import { cpuTicks } from './udp-flood.ts'

const HOST = '127.1.1.1'
const PLACES = 200
const PIECES = 1_000_000

/** Resident memory of a process at its highest, in MiB. */
function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024
}

test('HEAD of a torrent of 20 MB at 200 places costs one torrent', async () => {
  const node = await aNode()
  const pid = node.process.pid as number
  const bubbles = Array.from({ length: PLACES }, (_, row) => `row-${row}: { cidrs: [127.1.${row}.0/24] }`)
  const site = `fra: { cidrs: [127.1.0.0/16], trackers: ["${node.announceUrl}"], bubbles: { ${bubbles.join(', ')} } }`
  await writeFile(node.topologyPath, `sites:\n  ${site}\n`)
  expect((await node.admin('/api/v1/reload', { method: 'POST' })).status).toBe(200)
  const info = `4:infod6:lengthi${PIECES * 16_384}e4:name5:large12:piece lengthi16384e6:pieces${PIECES * 20}:`
  const torrent = Buffer.concat([Buffer.from(`d${info}`), Buffer.alloc(PIECES * 20, 7), Buffer.from('ee')])
  const registered = await node.admin('/api/v1/torrents', {
    method: 'POST',
    body: new Uint8Array(torrent),
    headers: { 'content-type': 'application/x-bittorrent' },
  })
  expect(registered.status).toBe(201)
  const { infoHashV1 } = (await registered.json()) as { infoHashV1: string }
  const before = { ticks: cpuTicks(pid), memory: peakMemory(pid) }
  const base = node.announceUrl.replace(/\/announce$/, '')
  const answers = await Promise.all(
    Array.from({ length: PLACES }, (_, row) =>
      requestFrom(HOST, `${base}/torrents/${infoHashV1}.torrent?site=fra&bubble=row-${row}`, {
        method: 'HEAD',
      }),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect(Number(answers[0]?.headers['content-length'])).toBeGreaterThan(PIECES * 20)
  const grownMiB = peakMemory(pid) - before.memory
  reportFigure(
    `HEAD of 20 MB at ${PLACES} places: ${Math.round(grownMiB)} MiB of memory, ${(cpuTicks(pid) - before.ticks) / 100} s of CPU`,
  )
  expect(grownMiB).toBeLessThan(200)
  expect(await announceFrom(node, HOST)).toContain('8:complete')
})
