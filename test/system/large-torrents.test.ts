/**
 * A torrent of a hundred megabytes is read and rewritten without copies. The tests assert the peak of the resident memory
 * of the built program, of which Node itself takes about 70 MiB; they do not assert time.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROGRAM } from '../a-node.ts'

const MIB = 1_048_576
const PIECES = 5_242_880

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-large-'))
  const head = `d4:infod6:lengthi${PIECES * 16_384}e4:name1:a12:piece lengthi16384e6:pieces${PIECES * 20}:`
  writeFileSync(
    join(folder, 'pieces.torrent'),
    Buffer.concat([Buffer.from(head), Buffer.alloc(PIECES * 20, 'p'), Buffer.from('7:privatei1eee')]),
  )
  const files = Array.from(
    { length: 400_000 },
    (_, index) => `d6:lengthi1e4:pathl3:dir8:${10_000_000 + index}ee`,
  )
  writeFileSync(
    join(folder, 'files.torrent'),
    `d4:infod5:filesl${files.join('')}e4:name1:a12:piece lengthi400000e6:pieces20:${'p'.repeat(20)}7:privatei1eee`,
  )
  // Each file would have a path with this name in front.
  writeFileSync(
    join(folder, 'name.torrent'),
    Buffer.concat([
      Buffer.from(`d4:infod5:filesl${'d6:lengthi1e4:pathl1:aee'.repeat(10_000)}e4:name${100 * MIB}:`),
      Buffer.alloc(100 * MIB, 0xff),
      Buffer.from('ee'),
    ]),
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

/**
 * Writes its peak in kilobytes to `PEAK_FILE` when it exits. The maximum of getrusage would be wrong: the kernel includes
 * the time before the exec, when the process is a copy of the test with all of its memory.
 */
const PROBE =
  'data:text/javascript,import{readFileSync,writeFileSync}from"node:fs";' +
  'process.on("exit",()=>writeFileSync(process.env.PEAK_FILE,' +
  '/VmHWM:[^0-9]*([0-9]+)/.exec(readFileSync("/proc/self/status","utf8"))[1]))'

/** Standard output, and the peak of the resident memory. */
function run(...argv: readonly string[]): { readonly out: Buffer; readonly peakMib: number } {
  const peak = join(folder, 'peak')
  const out = execFileSync(process.execPath, ['--import', PROBE, PROGRAM, ...argv], {
    cwd: folder,
    env: { ...process.env, PEAK_FILE: peak },
    maxBuffer: 200 * MIB,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return { out, peakMib: Number(readFileSync(peak, 'utf8')) / 1024 }
}

describe('a torrent of a hundred megabytes', () => {
  it.each(['pieces', 'name'])('is inspected in less than 400 MiB: %s', (name) => {
    const { out, peakMib } = run('inspect', `${name}.torrent`, '--json')
    expect(JSON.parse(out.toString())).toMatchObject({ kind: 'torrent' })
    expect(peakMib).toBeLessThan(400)
    // The file was read: a smaller number would mean that nothing was measured.
    expect(peakMib).toBeGreaterThan(100)
  })

  it('is rewritten to a file, to a pipe and for every site in less than 400 MiB', () => {
    const rewrite = ['rewrite', 'pieces.torrent']
    const toFile = run(...rewrite, '--site', 'fra', '-o', 'out.torrent')
    const toPipe = run(...rewrite, '--site', 'fra')
    const toAll = run(...rewrite, '--all', '-d', 'all')
    expect(toPipe.out.equals(readFileSync(join(folder, 'out.torrent')))).toBe(true)
    expect(statSync(join(folder, 'out.torrent')).size).toBeGreaterThan(100 * MIB)
    for (const { peakMib } of [toFile, toPipe, toAll]) {
      expect(peakMib).toBeLessThan(400)
      expect(peakMib).toBeGreaterThan(100)
    }
  })
})

describe('a torrent of four hundred thousand files', () => {
  it('is inspected in less than 300 MiB, and every file is counted', () => {
    const { out, peakMib } = run('inspect', 'files.torrent', '--json')
    expect(JSON.parse(out.toString())).toMatchObject({
      fileCount: 400_000,
      contentBytes: 400_000,
      warnings: [{ code: 'file-large' }],
    })
    expect(peakMib).toBeLessThan(300)
  })
})
