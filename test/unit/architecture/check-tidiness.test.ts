/** Tidiness is checked by line; comments and the owner of a port are exempt. */
import { describe, expect, test } from 'vitest'
import { checkTidiness } from '../../architecture/check-tidiness.ts'

const header = '/** Why. */\n'

describe('tidiness', () => {
  test('a file with a header and without violations is tidy', () => {
    expect(checkTidiness('swarm/row-list.ts', `${header}export const rows = 1 // not Date.now()\n`)).toEqual(
      [],
    )
  })

  test.each([
    ['Date.now(', 'export const now = Date.now()'],
    ['new Date()', 'export const now = new Date()'],
    ['Math.random', 'export const chance = Math.random()'],
    ['randomBytes(', 'export const chance = randomBytes(4)'],
    ['performance.now(', 'export const start = performance.now()'],
    ['console.', "console.log('hello')"],
    ['process.exit(', 'process.exit(1)'],
  ])('%s is found, with its line', (word, line) => {
    const found = checkTidiness('swarm/row-list.ts', header + line)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`src/swarm/row-list.ts:2  ${word}`)
  })

  test('a date made from a number does not read the clock', () => {
    expect(checkTidiness('cli/show.ts', `${header}export const day = new Date(ms)\n`)).toEqual([])
  })

  test('the owner of a port may use the system function', () => {
    expect(checkTidiness('core/clock.ts', `${header}export const now = () => Date.now()\n`)).toEqual([])
  })

  test('a file without a header is found', () => {
    expect(checkTidiness('core/a.ts', 'export const a = 1\n')).toEqual([
      'src/core/a.ts:1  a file opens with a comment that describes its purpose',
    ])
  })

  test('400 lines are allowed and 401 are not', () => {
    const lines = (count: number) => header + 'export {}\n'.repeat(count - 1)
    expect(checkTidiness('core/a.ts', lines(400))).toEqual([])
    expect(checkTidiness('core/a.ts', lines(401))).toEqual([
      'src/core/a.ts: 401 lines; look for the second subject at 400',
    ])
  })

  test('folders are subjects, and names are kebab-case', () => {
    expect(checkTidiness('core/utils/a.ts', header)).toHaveLength(1)
    expect(checkTidiness('core/infoHash.ts', header)).toHaveLength(1)
  })
})
