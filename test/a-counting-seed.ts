/** A libtorrent seed that counts its uploaded bytes. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { CLIENT_PORT } from './observed-clients.ts'

export interface CountingSeedSettings {
  readonly torrent: string
  readonly directory: string
  readonly address: string
  /** Without a limit by default. */
  readonly bytesPerSecond?: number
}

/** Resolves once the seed is complete; the returned function reads the bytes that it uploaded. */
export async function aCountingSeed(seed: CountingSeedSettings): Promise<() => Promise<number>> {
  const instructions = {
    address: seed.address,
    port: CLIENT_PORT,
    torrent: seed.torrent,
    data: seed.directory,
    isSeed: true,
    ...(seed.bytesPerSecond === undefined ? {} : { settings: { upload_rate_limit: seed.bytesPerSecond } }),
  }
  const child = spawn(
    '/usr/bin/python3',
    ['-W', 'ignore', 'test/libtorrent-peer.py', JSON.stringify(instructions)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return async () => {
    child.stdin.write('totals\n')
    const { value } = await lines.next()
    return (JSON.parse(value as string) as { uploaded: number }).uploaded
  }
}
