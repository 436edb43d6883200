import { expect, it } from 'vitest'
import { SeededRandom } from '../../../../src/core/random.ts'
import { makePeerId } from '../../../../src/wire/peer/peer-id.ts'

it('is twenty printable bytes that identify the program, and differs from connection to connection', () => {
  const random = new SeededRandom(1)
  const ids = [makePeerId(random), makePeerId(random)].map((id) => id.toString('latin1'))
  expect(ids[0]).toMatch(/^-SW0200-[0-9a-z]{12}$/)
  expect(ids[1]).toMatch(/^-SW0200-[0-9a-z]{12}$/)
  expect(ids[0]).not.toBe(ids[1])
})
