/** Pipes without a writer in the places of the files of a node: each is named, and nothing waits for one. */
import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aDirectory, announceFrom, aNode, freePort, topologyText } from '../a-node.ts'
import { runProgram } from '../a-program-run.ts'

const DEADLINE_MS = 90_000
const TOKEN = 'a-token-of-fra'

/** The files of a node with one of them replaced by a pipe. */
async function filesWithPipe(name: string, more: string): Promise<{ config: string; pipe: string }> {
  const directory = await aDirectory()
  const httpPort = await freePort()
  const [config, pipe] = [join(directory, 'siteswarm.yaml'), join(directory, name)]
  await writeFile(join(directory, 'topology.yaml'), topologyText(httpPort))
  await writeFile(
    config,
    `site: fra\ntopology: ./topology.yaml\ndataDirectory: ./data\n` +
      `listen: { http: "127.0.0.1:${httpPort}", udp: "127.0.0.1:0", admin: "127.0.0.1:0" }\n${more}`,
  )
  await rm(pipe, { force: true })
  execFileSync('mkfifo', [pipe])
  return { config, pipe }
}

test.each([
  ['the configuration', 'siteswarm.yaml', ''],
  ['the topology', 'topology.yaml', ''],
  ['the file of the admin token', 'admin-token', 'admin: { tokenFile: ./admin-token }\n'],
  ['the file of the federation token', 'between-sites', 'federation: { tokenFile: ./between-sites }\n'],
  ['the file of announce tokens', 'tokens', 'announce: { tokenFile: ./tokens }\n'],
])('a pipe in the place of %s is named, and the node does not start', async (_file, name, more) => {
  const { config, pipe } = await filesWithPipe(name, more)
  for (const command of ['serve', 'check']) {
    const run = await runProgram([command, '--config', config], { deadlineMs: DEADLINE_MS })
    const { exitCode, out, err } = run
    // A program that waits is killed and has no exit code.
    expect({ command, exitCode }).toEqual({ command, exitCode: 78 })
    expect(`${out}${err}`).toContain('not a regular file')
    expect(`${out}${err}`).toContain(name === 'siteswarm.yaml' ? config : pipe.split('/').at(-1))
  }
})

test.each([
  ['the snapshot', 'swarms-fra.snapshot'],
  ['the file of holds and rates', 'overrides-fra.json'],
])('a pipe in the place of %s is named, and the node starts without it', async (_file, name) => {
  const directory = await aDirectory()
  await mkdir(join(directory, 'data'))
  execFileSync('mkfifo', [join(directory, 'data', name)])
  const node = await aNode({ directory })
  expect(await announceFrom(node, '127.1.1.1', { left: 0 })).toContain('8:complete')
  expect(node.log()).toContain(`${name} is not a regular file`)
})

test('a pipe in the place of a registered torrent or of the removals does not keep the node from starting', async () => {
  const directory = await aDirectory()
  const torrents = join(directory, 'torrents')
  await mkdir(torrents)
  for (const name of [`${'ab'.repeat(20)}.torrent`, `${'ab'.repeat(20)}.json`, '.removed.json'])
    execFileSync('mkfifo', [join(torrents, name)])
  const node = await aNode({ directory, more: 'torrents: { directory: ./torrents }\n' })
  expect(await announceFrom(node, '127.1.1.1', { left: 0 })).toContain('8:complete')
  expect((await node.admin('/api/v1/torrents')).status).toBe(200)
})

test('a pipe in the place of the topology or of the announce tokens is named at a reload, which does not wait for it', async () => {
  const directory = await aDirectory()
  const path = join(directory, 'tokens')
  await writeFile(path, `default ${TOKEN}\n`)
  const node = await aNode({ directory, more: `announce: { tokenFile: ${path} }\n` })
  const isAnswered = async () => {
    const at = { announceUrl: `${node.announceUrl}/${TOKEN}` }
    expect(await announceFrom(at, '127.1.1.1', { left: 0 })).toContain('8:complete')
  }
  await rm(path)
  execFileSync('mkfifo', [path])
  // The change of the file is detected, too.
  await node.logged('announce-tokens-refused')
  await isAnswered()
  for (const replaced of [path, node.topologyPath]) {
    await rm(replaced)
    execFileSync('mkfifo', [replaced])
    const answer = await node.admin('/api/v1/reload', { method: 'POST' })
    expect(answer.status).toBe(422)
    expect(await answer.text()).toContain('not a regular file')
    await isAnswered()
  }
})
