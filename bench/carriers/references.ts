/**
 * The references of a carrier: iperf3 without a proxy, and through socat and HAProxy of Debian, which forward bytes that
 * they do not read. For TLS, two HAProxies with an encrypted connection between them.
 */
import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../hostile/served-node.ts'
import { printRate } from './print-rate.ts'

const run = promisify(execFile)
/** The unit of /proc/PID/stat. */
const TICKS_PER_SECOND = 100
const START_MS = 500

export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** Of the name localhost, for a day. */
export async function selfSigned(directory: string): Promise<Certificate> {
  const files = { key: join(directory, 'key.pem'), cert: join(directory, 'cert.pem') }
  const options = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost'
  await run('openssl', [...options.split(' '), '-keyout', files.key, '-out', files.cert])
  return { key: await readFile(files.key, 'utf8'), cert: await readFile(files.cert, 'utf8') }
}

export async function measureReferences(
  directory: string,
  certificate: Certificate,
  seconds: number,
): Promise<void> {
  const pem = join(directory, 'both.pem')
  writeFileSync(pem, certificate.cert + certificate.key)
  const haproxy = (name: string, ...listens: readonly string[]) => {
    const file = join(directory, `${name}.cfg`)
    const timeouts = ['connect 5s', 'client 60s', 'server 60s'].map((text) => `  timeout ${text}\n`).join('')
    writeFileSync(file, `global\n  nbthread 1\ndefaults\n  mode tcp\n${timeouts}${listens.join('')}`)
    return { program: 'haproxy', args: ['-db', '-f', file] }
  }
  const listen = (bind: string, server: string) =>
    `listen from-${bind.split(' ')[0]}\n  bind ${bind}\n  server to ${server}\n`

  await measure('iperf3 without a proxy', seconds, () => [])
  await measure('socat', seconds, (port, to) => [
    { program: 'socat', args: [`TCP-LISTEN:${port},fork,reuseaddr`, `TCP:127.0.0.1:${to}`] },
  ])
  await measure('HAProxy', seconds, (port, to) => [
    haproxy('plain', listen(`127.0.0.1:${port}`, `127.0.0.1:${to}`)),
  ])
  const between = await freePort()
  await measure('two HAProxies with TLS between them', seconds, (port, to) => [
    haproxy('near', listen(`127.0.0.1:${port}`, `127.0.0.1:${between} ssl verify none`)),
    haproxy('far', listen(`127.0.0.1:${between} ssl crt ${pem}`, `127.0.0.1:${to}`)),
  ])
}

async function measure(
  name: string,
  seconds: number,
  proxiesOf: (port: number, to: number) => readonly { readonly program: string; readonly args: string[] }[],
): Promise<void> {
  const [port, to] = [await freePort(), await freePort()]
  const server = spawn('iperf3', ['-s', '-1', '-p', `${to}`], { stdio: 'ignore' })
  const proxies = proxiesOf(port, to).map(({ program, args }) => spawn(program, args, { stdio: 'ignore' }))
  try {
    await delay(START_MS)
    const cpu = async () => {
      let sum = 0
      for (const { pid } of proxies) sum += await cpuSecondsOf(pid ?? 0)
      return sum
    }
    const before = await cpu()
    const target = proxies.length === 0 ? to : port
    const options = ['-c', '127.0.0.1', '-p', `${target}`, '-t', `${seconds}`, '-J']
    const { stdout } = await run('iperf3', options, { maxBuffer: 16_777_216 })
    const { sum_received: received } = (
      JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number; bytes: number } } }
    ).end
    // socat forwards in children, whose time counts once they have ended.
    await delay(START_MS)
    const used = (await cpu()) - before
    printRate({
      name,
      bitsPerSecond: received.bits_per_second,
      cpuSecondsPerGigabyte: proxies.length === 0 ? undefined : used / (received.bytes / 1e9),
    })
  } finally {
    for (const proxy of proxies) proxy.kill()
    server.kill()
  }
}

/** Processor seconds of a process, and of its children that have ended. */
async function cpuSecondsOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND
}
