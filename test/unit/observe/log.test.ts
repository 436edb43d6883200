/** The log is one JSON object a line, and only what its level lets through. */
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LogLevel, openLog } from '../../../src/observe/log.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'siteswarm-log-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

describe('the log', () => {
  test('writes the level as a word, the site, the event and its fields, and the text', () => {
    const [line] = written('info', 'one.log')
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

  test('leaves out what is below its level', () => {
    const lines = written('warn', 'two.log')
    expect(lines.map((line) => line['event'])).toEqual(['store-unavailable'])
  })
})

function written(level: LogLevel, name: string): Record<string, unknown>[] {
  const file = join(directory, name)
  const opened = openLog({ level, site: 'fra', to: openSync(file, 'a') })
  opened.log.info({ event: 'started', peers: 12 }, 'the node is ready')
  opened.log.warn({ event: 'store-unavailable' }, 'the store did not answer in time')
  opened.flush()
  expect(opened.droppedLines()).toBe(0)
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
