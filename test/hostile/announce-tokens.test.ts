/** A host that announces without a token, or with one that was replaced. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aDirectory, announceFrom, aNode } from '../a-node.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../a-torrent.ts'
import { requestFrom } from './request-from.ts'
import { flood } from './udp-flood.ts'

const [OLD, NEW, OTHER] = ['old-token-of-fra', 'new-token-of-fra', 'token-of-a-tenant']
const WRONG = 'the token in the announce URL is wrong'
const peerId = Buffer.from('-XX0000-abcdefghijkl')

test('announces need a token, torrents carry the current one, and it is replaced without a rejected announce', async () => {
  const directory = await aDirectory()
  const path = join(directory, 'tokens')
  await writeFile(path, `fra ${OLD}\n# a tenant\ntenant ${OTHER}\n`)
  const node = await aNode({ directory, more: `announce: { tokenFile: ${path} }\n` })
  const announce = (token: string) =>
    announceFrom({ announceUrl: `${node.announceUrl}${token}` }, '127.1.1.1')
  expect(await announce('')).toContain(`${WRONG}: it has none`)
  expect(await announce('/some-other-token')).toContain(`${WRONG}: it was replaced`)
  for (const token of [OLD, OTHER]) expect(await announce(`/${token}`)).toContain('8:complete')
  await node.admin('/api/v1/torrents', {
    method: 'POST',
    body: new Uint8Array(PLAIN_TORRENT),
    headers: { 'content-type': 'application/x-bittorrent' },
  })
  const torrent = async () => {
    const url = node.announceUrl.replace(/\/announce$/, `/torrents/${PLAIN_INFO_HASH}.torrent?site=fra`)
    return (await requestFrom('127.1.1.1', url)).body
  }
  expect(await torrent()).toContain(`/announce/${OLD}`)
  await writeFile(path, `fra ${NEW}\nfra ${OLD}\ntenant ${OTHER}\n`)
  await node.logged('announce tokens reloaded')
  for (const token of [OLD, NEW, OTHER]) expect(await announce(`/${token}`)).toContain('8:complete')
  expect(await torrent()).toContain(`/announce/${NEW}`)
  await writeFile(path, `fra ${NEW}\nfra short\n`)
  await node.logged('the file of announce tokens is invalid')
  expect(await announce(`/${OLD}`)).toContain('8:complete')
  await writeFile(path, `fra ${NEW}\n`)
  expect((await node.admin('/api/v1/reload', { method: 'POST' })).status).toBe(200)
  expect(await announce(`/${OLD}`)).toContain(WRONG)
  expect(await announce(`/${NEW}`)).toContain('8:complete')
  for (const token of [OLD, NEW, OTHER]) expect(node.log()).not.toContain(token)
})

test('over UDP the token is in the URL data', async () => {
  const directory = await aDirectory()
  const path = join(directory, 'tokens')
  await writeFile(path, `default ${NEW}\n`)
  const node = await aNode({ directory, more: `announce: { tokenFile: ${path} }\n` })
  const infoHash = Buffer.alloc(20, 1)
  expect(await flood(node, [{ infoHash, peerId, port: 6881 }])).toBe(0)
  const urlData = Buffer.from(`/announce/${NEW}`)
  expect(await flood(node, [{ infoHash, peerId, port: 6881, urlData }])).toBe(1)
})
