/** The log is one JSON object per line, filtered by level. */
import { execFileSync } from 'node:child_process'
import { constants, createReadStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type LogLevel, openLog } from '../../../src/observe/log.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'siteswarm-log-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

describe('the log', () => {
  test('writes the level as a word, the site, the event and its fields, and the text', async () => {
    const [line] = await written('info', 'one.log')
    const { time, ...rest } = line as { time: string }
    expect(rest).toEqual({
      level: 'info',
      site: 'fra',
      event: 'started',
      peers: 12,
      text: 'the node is ready',
    })
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test('omits lines below its level', async () => {
    const lines = await written('warn', 'two.log')
    expect(lines.map((line) => line['event'])).toEqual(['store-unavailable'])
  })

  test('drops and counts lines while its reader is stopped, and continues when it reads again', async () => {
    const pipe = join(directory, 'pipe')
    execFileSync('mkfifo', [pipe])
    // Opened for reading and writing, a FIFO has a reader that never reads.
    const { log, droppedLines, flush } = openLog({
      level: 'info',
      site: 'fra',
      to: openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK),
    })
    // About four megabytes; one fits.
    for (let line = 0; line < 30_000; line++) log.info({ event: 'flood', line }, 'x'.repeat(40))
    expect(droppedLines()).toBeGreaterThan(10_000)

    const droppedBefore = droppedLines()
    const reader = createReadStream(pipe, { encoding: 'utf8' })
    let read = ''
    reader.on('data', (text) => (read += text.toString()))
    await flush()
    log.info({ event: 'afterwards' }, 'the reader is back')
    await flush()
    await vi.waitUntil(() => read.includes('the reader is back'), 30_000)
    reader.destroy()
    expect(droppedLines()).toBe(droppedBefore)
  })
})

async function written(level: LogLevel, name: string): Promise<Record<string, unknown>[]> {
  const file = join(directory, name)
  const opened = openLog({ level, site: 'fra', to: openSync(file, 'a') })
  opened.log.info({ event: 'started', peers: 12 }, 'the node is ready')
  opened.log.warn({ event: 'store-unavailable' }, 'the store did not answer in time')
  await opened.flush()
  expect(opened.droppedLines()).toBe(0)
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
