import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseTopology } from '../../../../src/config/load-topology.ts'
import { checkTopology } from '../../../../src/daemon/topology-check.ts'
import { anAdmin } from '../../../an-admin.ts'

const FILE = `sites:
  fra: { cidrs: [127.1.0.0/16], trackers: [http://127.1.0.1:6969/announce] }
  ams: { cidrs: [127.2.0.0/16], trackers: [http://127.2.0.1:6969/announce] }
`

async function check(body: string | undefined, type = 'application/yaml') {
  const { request } = await anAdmin()
  const response = await request('/api/v1/topology/check', {
    method: 'POST',
    headers: { 'content-type': type },
    ...(body === undefined ? {} : { body }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('the dry run of a topology', () => {
  it('states each change as a sentence', () => {
    const current = parseTopology(FILE, 'topology.yaml')
    const moved = FILE.replace('127.1.0.0/16', '127.1.0.0/17').replace(
      '127.2.0.0/16',
      '127.2.0.0/16, 127.1.128.0/17',
    )
    expect(checkTopology(moved, current, 'fra')).toMatchObject({
      isSame: false,
      problems: [],
      changes: ['127.1.128.0/17 (32,768 addresses): move from site fra to site ams'],
    })
    expect(checkTopology(FILE, current, 'fra')).toEqual({
      topologyHash: current.hash,
      isSame: true,
      problems: [],
      changes: [],
    })
  })

  it('lists each problem with its position, as the nodes would', async () => {
    const { status, body } = await check(FILE.replace('127.2.0.0/16', '127.1.0.0/16'))
    expect(status).toBe(200)
    expect(body).toMatchObject({
      topologyHash: null,
      changes: [],
      problems: [{ line: 3, message: expect.stringContaining('127.1.0.0/16 is listed twice') }],
    })
  })

  it('reports a file without the site of the node', async () => {
    const { body } = await check('sites: { nyc: { cidrs: [127.3.0.0/16] } }')
    expect(body).toMatchObject({ problems: [{ message: 'the site of this node, "fra", is missing' }] })
  })

  it('accepts the sample topology that the package contains', async () => {
    const { body } = await check(readFileSync('config/topology.yaml', 'utf8'), 'text/plain')
    expect(body['problems']).toEqual([])
  })

  it.each([
    ['', 'application/yaml', 400, 'topology-missing'],
    ['{}', 'application/json', 415, 'type-unsupported'],
  ])('rejects the body %j of type %s', async (text, type, status, code) => {
    expect(await check(text, type)).toMatchObject({ status, body: { code } })
  })
})
