import { describe, expect, it } from 'vitest'
import { anAdmin } from '../../../an-admin.ts'
import { AWKWARD_INFO_HASH } from '../../../a-torrent.ts'

const EXPECT = `/api/v1/rollouts/${AWKWARD_INFO_HASH}/expect`
const DEPTH = 200_000

describe('a request that no program sends', () => {
  it.each([
    ['lists in lists', `{"hosts": ${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`],
    ['objects in objects', `{"hosts": ${'{"a":'.repeat(DEPTH / 2)}1${'}'.repeat(DEPTH / 2)}}`],
    ['lists that do not end', '['.repeat(DEPTH)],
  ])('with a body of %s is rejected', async (_what, body) => {
    const { url, log } = await anAdmin()
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}${EXPECT}`, { method: 'PUT', headers, body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'request-invalid',
      detail: 'the body is nested more than 32 levels',
    })
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('with brackets in its text is read', async () => {
    const { url } = await anAdmin()
    const body = JSON.stringify({ hosts: { ['[{"\\'.repeat(100)]: 1 } })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}${EXPECT}`, { method: 'PUT', headers, body })
    expect(await response.json()).toMatchObject({ code: 'torrent-unknown' })
  })

  it('with a broken escape in its path is answered with the details of the problem', async () => {
    const { url } = await anAdmin()
    const response = await fetch(`${url}/api/v1/torrents/%ff`)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await response.json()).toMatchObject({ status: 400, code: 'request-invalid' })
  })
})
