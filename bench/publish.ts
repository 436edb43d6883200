/**
 * Hashing speed and memory of `publish`, beside mktorrent and transmission-create on the
 * same file with the same piece length in the same run.
 *
 * `npm run bench -- publish [GIB] [ROUNDS]`: writes a file of GIB (1) GiB into the directory for temporary files,
 * and removes it. The programs alternate, and the best of ROUNDS (3) counts, because the machine has other load. The file
 * is in the page cache after the first round, so the comparison is of processor speed. Measures the built program:
 * `npm run build` first.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { choosePieceLength } from '../src/publish/piece-length.ts'

const GIB = 1_073_741_824
const contentBytes = Number(process.argv[2] ?? 1) * GIB
const rounds = Number(process.argv[3] ?? 3)
if (!(contentBytes > 0) || !(rounds >= 1)) throw new Error('npm run bench -- publish [GIB] [ROUNDS]')

const folder = mkdtempSync(join(tmpdir(), 'siteswarm-bench-'))
const file = join(folder, 'content.bin')
const pieceBytes = choosePieceLength(contentBytes)
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

const tracker = 'http://tracker.example/announce'
const outputOf = (name: string) => join(folder, `${name}.torrent`)
const contenders: Readonly<Record<string, readonly string[]>> = {
  'siteswarm, v1': [
    process.execPath,
    main,
    'publish',
    file,
    '-o',
    outputOf('siteswarm, v1'),
    '--url',
    'http://127.0.0.1:1',
  ],
  'siteswarm, hybrid': [
    process.execPath,
    main,
    'publish',
    file,
    '--hybrid',
    '-o',
    outputOf('siteswarm, hybrid'),
    '--url',
    'http://127.0.0.1:1',
  ],
  mktorrent: [
    'mktorrent',
    '-p',
    '-a',
    tracker,
    '-l',
    String(Math.log2(pieceBytes)),
    '-o',
    outputOf('mktorrent'),
    file,
  ],
  'transmission-create': [
    'transmission-create',
    '-p',
    '-t',
    tracker,
    '-s',
    String(pieceBytes / 1_024),
    '-o',
    outputOf('transmission-create'),
    file,
  ],
}

interface Run {
  readonly seconds: number
  /** CPU time of all threads: more reliable than elapsed time on a machine with other load. */
  readonly cpuSeconds: number
  readonly peakMebibytes: number
}

try {
  writeContent()
  console.log(
    `${contentBytes / GIB} GiB in pieces of ${pieceBytes / 1_024} KiB, ${cpus().length} processors, best of ${rounds}`,
  )
  const best = new Map<string, Run>()
  for (let round = 0; round < rounds; round++) {
    for (const [name, argv] of Object.entries(contenders)) {
      const run = await measure(name, argv)
      const before = best.get(name)
      if (run !== undefined && (before === undefined || run.seconds < before.seconds)) best.set(name, run)
    }
  }
  console.log(
    `${''.padEnd(22)}${'seconds'.padStart(9)}${'MB/s'.padStart(9)}${'CPU s'.padStart(9)}${'peak MiB'.padStart(11)}`,
  )
  for (const [name, { seconds, cpuSeconds, peakMebibytes }] of best) {
    console.log(
      name.padEnd(22) +
        seconds.toFixed(2).padStart(9) +
        (contentBytes / 1e6 / seconds).toFixed(0).padStart(9) +
        cpuSeconds.toFixed(2).padStart(9) +
        peakMebibytes.toFixed(0).padStart(11),
    )
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** Incompressible bytes; a key stream is the fastest source of them. */
function writeContent(): void {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16))
  const zeros = Buffer.alloc(16_777_216)
  const descriptor = openSync(file, 'w')
  for (let at = 0; at < contentBytes; at += zeros.length) {
    writeSync(descriptor, stream.update(zeros.subarray(0, Math.min(zeros.length, contentBytes - at))))
  }
  closeSync(descriptor)
}

/** undefined if the program is not installed. */
async function measure(name: string, argv: readonly string[]): Promise<Run | undefined> {
  const [program = '', ...args] = argv
  if (spawnSync('which', [program]).status !== 0) {
    console.log(`${name}: not installed`)
    return undefined
  }
  rmSync(outputOf(name), { force: true })
  const startedMs = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  let peakKibibytes = 0
  let cpuSeconds = 0
  // The kernel tracks the peak itself, so a peak between two polls is not missed.
  const looking = setInterval(() => {
    peakKibibytes = Math.max(peakKibibytes, readPeak(child.pid))
    cpuSeconds = Math.max(cpuSeconds, readCpuSeconds(child.pid))
  }, 20)
  await new Promise((resolve) => child.once('exit', resolve))
  clearInterval(looking)
  const seconds = (performance.now() - startedMs) / 1_000
  if (!existsSync(outputOf(name))) throw new Error(`${name} made no torrent: ${said.join('')}`)
  return { seconds, cpuSeconds, peakMebibytes: peakKibibytes / 1_024 }
}

function readPeak(pid: number | undefined): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
}

/** Fields 14 and 15, in hundredths of a second; field 2 is a name that may contain spaces. */
function readCpuSeconds(pid: number | undefined): number {
  const words = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  return (Number(words[11] ?? 0) + Number(words[12] ?? 0)) / 100
}

/** Empty if the process has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
