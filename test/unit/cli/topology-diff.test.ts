/** `topology diff`: the changes between two files in words. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { parseTopology } from '../../../src/config/load-topology.ts'
import { parseAddress } from '../../../src/core/address.ts'
import { runCommand } from '../../a-command-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'siteswarm-diff-'))
afterAll(() => rmSync(folder, { recursive: true }))

const tracker = (site: string) => `trackers: ["http://t.${site}.example:6969/announce"]`

const OLD = `sites:
  fra: { cidrs: [10.1.0.0/16, "fd00:1::/48"], ${tracker('fra')}, bubbles: { row-a: { cidrs: [10.1.1.0/24] } } }
  ams: { cidrs: [10.2.0.0/16], ${tracker('ams')} }
links: [{ between: [fra, ams], cost: 5 }]
`

async function diff(before: string, after: string, ...more: string[]) {
  const paths = [before, after].map((text, index) => {
    const path = join(folder, `${index}.yaml`)
    writeFileSync(path, text)
    return path
  })
  return runCommand(['topology', 'diff', ...paths, ...more])
}

describe('topology diff', () => {
  it('finds no difference in another notation of the same topology', async () => {
    const { exitCode, out } = await diff(OLD, OLD.replace('links:', '# a comment\nlinks:'))
    expect({ exitCode, out }).toEqual({
      exitCode: 0,
      out: expect.stringMatching(/^the files mean the same \(hash [0-9a-f]{12}\)\n$/),
    })
  })

  it('says which addresses move where, in the fewest prefixes', async () => {
    const after = OLD.replace('10.2.0.0/16]', '10.2.0.0/16, 10.1.128.0/17]')
    const { exitCode, out } = await diff(OLD, after)
    expect(exitCode).toBe(1)
    expect(out).toMatch(
      /^10\.1\.128\.0\/17 \(32,768 addresses\): move from site fra to site ams\nhash \w+ becomes \w+\n$/,
    )
  })

  it('distinguishes a change of the bubble from one of the site, and names refused addresses', async () => {
    const after = OLD.replace('10.1.1.0/24', '10.1.2.0/23').replace('10.2.0.0/16', '10.2.0.0/17')
    const { out } = await diff(OLD, after)
    expect(out.split('\n').slice(0, 3)).toEqual([
      '10.1.1.0/24 (256 addresses): change their bubble from bubble row-a of site fra to site fra',
      '10.1.2.0/23 (512 addresses): change their bubble from site fra to bubble row-a of site fra',
      '10.2.128.0/17 (32,768 addresses): in site ams before, refused from now on',
    ])
  })

  it('names a new site with its addresses, IPv6 included', async () => {
    const after = OLD.replace(
      'links:',
      `  nyc: { cidrs: [10.3.0.0/16, "fd00:3::/48"], ${tracker('nyc')} }\nlinks:`,
    )
    const { out } = await diff(OLD, after)
    expect(out).toContain('site nyc is added\n')
    expect(out).toContain('10.3.0.0/16 (65,536 addresses): refused before, now in site nyc\n')
    expect(out).toContain('fd00:3::/48 (2^80 addresses): refused before, now in site nyc\n')
  })

  it('names changed settings', async () => {
    const after = OLD.replace('cost: 5', 'cost: 50').replace('t.ams.example', 't9.ams.example')
    const { out } = await diff(OLD, after)
    expect(out).toContain('cost to ams of site fra: 5 becomes 50\n')
    expect(out).toContain(
      'trackers of site ams: http://t.ams.example:6969/announce becomes http://t9.ams.example:6969/announce\n',
    )
  })

  it('names each changed setting of a link', async () => {
    const link =
      'rate: 200Mbit, hours: "20:00-06:00 Europe/Berlin", carry: direct, contact: "noc@example.org"'
    const { out } = await diff(OLD, OLD.replace('cost: 5', `cost: 5, ${link}`))
    expect(out.split('\n').slice(0, -2)).toEqual([
      'carry to ams of site fra: nodes becomes direct',
      'rate to ams of site fra: none becomes 200 Mbit/s',
      'hours to ams of site fra: none becomes 20:00-06:00 Europe/Berlin',
      'contact to ams of site fra: none becomes noc@example.org',
    ])
  })

  it('names changed numbers of expected hosts', async () => {
    const after = OLD.replace('10.2.0.0/16], ', '10.2.0.0/16], expect: 40, ')
    expect((await diff(OLD, after)).out).toContain('expected hosts of site ams: none becomes 40\n')
  })

  it('reports the problems of a file with their position, and ends with 78', async () => {
    const { exitCode, err } = await diff(OLD, OLD.replace('10.2.0.0/16', '10.2.0.1/16'))
    expect(exitCode).toBe(78)
    expect(err).toContain('1.yaml:3:')
  })

  it('agrees with locate for every address, for any two topologies', async () => {
    const octet = fc.integer({ min: 0, max: 7 })
    const prefix = fc
      .record({ octet, lengthBits: fc.constantFrom(14, 15, 16, 17) })
      .map(
        ({ octet: n, lengthBits }) =>
          `10.${n & (lengthBits < 16 ? 255 << (16 - lengthBits) : 255)}.0.0/${lengthBits}`,
      )
    const cidrs = fc.uniqueArray(prefix, { minLength: 1, maxLength: 4 })
    const topology = fc
      .tuple(cidrs, cidrs)
      .filter(([fra, ams]) => !fra.some((each) => ams.includes(each)))
      .map(
        ([fra, ams]) =>
          `sites:\n  fra: { cidrs: [${fra.join(', ')}], ${tracker('fra')} }\n  ams: { cidrs: [${ams.join(', ')}], ${tracker('ams')} }\n`,
      )
    await fc.assert(
      fc.asyncProperty(topology, topology, async (before, after) => {
        const { out } = await diff(before, after, '--json')
        const { moves } = JSON.parse(out) as {
          moves: { from: string | null; to: string | null; prefixes: string[] }[]
        }
        const movesTo = (text: string) =>
          moves.find(({ prefixes }) => prefixes.some((each) => contains(each, text)))?.to
        const [old, now] = [parseTopology(before, 'a'), parseTopology(after, 'b')]
        for (let second = 0; second < 8; second++)
          for (const third of [0, 127, 128, 255]) {
            const text = `10.${second}.${third}.1`
            const address = parseAddress(text)!
            const siteIn = (topology_: typeof old) => topology_.match(address)?.place.site.name
            const expected = siteIn(old) === siteIn(now) ? undefined : (siteIn(now) ?? null)
            const moved = movesTo(text)
            expect(moved === undefined || moved === null ? moved : moved.split('/')[0]).toBe(expected)
          }
      }),
      { numRuns: 30 },
    )
  })
})

function contains(prefix: string, text: string): boolean {
  const [network = '', length = ''] = prefix.split('/')
  const number = (address: string) => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const size = 2 ** (32 - Number(length))
  return Math.floor(number(network) / size) === Math.floor(number(text) / size)
}
