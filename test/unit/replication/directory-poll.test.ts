/** Times of the directory are set, because file systems count them in steps. */
import { mkdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { DirectoryPoll } from '../../../src/replication/directory-poll.ts'
import { aDirectory } from '../../a-node.ts'

/** A directory that was scanned an hour before. */
async function aScannedDirectory() {
  const directory = join(await aDirectory(), 'torrents')
  await mkdir(directory)
  const change = (second: number) => utimes(directory, second, second)
  await change(1)
  const poll = new DirectoryPoll()
  expect(await poll.neededScan(directory, 0)).toBe('all')
  return {
    neededScan: (nowMs: number) => poll.neededScan(directory, HOUR_MS + nowMs),
    change,
    changeOwn: (nowMs: number, second: number) =>
      poll.changeOwn(directory, HOUR_MS + nowMs, () => change(second)),
  }
}

const HOUR_MS = 3_600_000

it('a directory that changed is scanned for ten seconds', async () => {
  const { neededScan, change } = await aScannedDirectory()
  expect(await neededScan(0)).toBe('none')
  await change(2)
  expect(await neededScan(2_000)).toBe('all')
  expect(await neededScan(12_000)).toBe('all')
  expect(await neededScan(12_001)).toBe('none')
})

it('changes of this node request no scan for a minute, and then one of the names', async () => {
  const { neededScan, changeOwn } = await aScannedDirectory()
  expect(await neededScan(0)).toBe('none')
  await changeOwn(0, 2)
  await changeOwn(50_000, 3)
  expect(await neededScan(59_999)).toBe('none')
  expect(await neededScan(60_000)).toBe('names')
  expect(await neededScan(62_000)).toBe('none')
})

it('a change by another program is scanned, also if this node changes the directory before the poll', async () => {
  const { neededScan, change, changeOwn } = await aScannedDirectory()
  await change(2)
  await changeOwn(0, 3)
  expect(await neededScan(1_000)).toBe('all')
})
