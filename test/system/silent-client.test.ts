/** A real rtorrent, which reports its completion only with its next announce, minutes later. */
import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SeededRandom } from '../../src/core/random.ts'
import { aNode, freePort, type RunningNode } from '../a-node.ts'
import { needs } from '../setup/needs.ts'

const execute = promisify(execFile)

/** In its own directory, as a daemon; it ends with the test. */
async function startRtorrent(address: string, directory: string, torrent: string): Promise<void> {
  await mkdir(join(directory, 'session'), { recursive: true })
  const settings = join(directory, 'rtorrent.rc')
  await writeFile(
    settings,
    [
      'system.daemon.set = true',
      `directory.default.set = ${directory}`,
      `session.path.set = ${join(directory, 'session')}`,
      `network.bind_address.set = ${address}`,
      `network.port_range.set = ${await freePort()}-65000`,
      'network.port_random.set = no',
      'dht.mode.set = disable',
      '',
    ].join('\n'),
  )
  const child = spawn('rtorrent', ['-n', '-o', `import=${settings}`, torrent], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
}

/** Resolves once the node counts this many complete clients of its only torrent. */
async function completeClients(node: RunningNode, count: number): Promise<{ readonly completions: number }> {
  for (;;) {
    const { swarms } = (await (await node.admin('/api/v1/swarms')).json()) as {
      swarms: { seeds: number; completions: number }[]
    }
    const swarm = swarms[0]
    if (swarm?.seeds === count) return swarm
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe.skipIf(needs('rtorrent', 'mktorrent'))('rtorrent', () => {
  test(
    'is found to be complete by its bitfield, and serves the next client before it announces that',
    { timeout: 240_000 },
    async () => {
      const node = await aNode({ isObserving: true })
      const random = new SeededRandom(12)
      const source = join(node.directory, 'image.bin')
      const torrent = join(node.directory, 'image.torrent')
      await writeFile(
        source,
        Uint8Array.from({ length: 2_000_000 }, () => random.below(256)),
      )
      await execute('mktorrent', ['-p', '-l', '16', '-a', node.announceUrl, '-o', torrent, source])

      const seed = join(node.directory, 'seed')
      await mkdir(seed)
      await copyFile(source, join(seed, 'image.bin'))
      await startRtorrent('127.1.1.1', seed, torrent)
      await completeClients(node, 1)
      await startRtorrent('127.1.1.2', join(node.directory, 'first'), torrent)
      expect(await completeClients(node, 2)).toMatchObject({ completions: 1 })
      await startRtorrent('127.2.1.1', join(node.directory, 'second'), torrent)
      expect(await completeClients(node, 3)).toMatchObject({ completions: 2 })
      const metrics = await (await node.admin('/metrics')).text()
      expect(metrics).toContain('siteswarm_announces_total{site="fra",protocol="http",event="completed"} 0')
    },
  )
})
