/** Guessing of the admin token of a node, on many connections at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { aNode } from '../a-node.ts'
import { reportFigure } from './report-figure.ts'
import { requestFrom } from './request-from.ts'

const TOKEN = 'the-right-token-of-the-operator'
const GUESSES = 300
const CONNECTIONS = 30
const ATTACKER = '127.1.9.9'

test('300 wrong admin tokens of one host are slowed and logged, and the operator is answered meanwhile', async () => {
  const node = await aNode({ more: `admin: { token: ${TOKEN} }\n` })
  const ask = (from: string, token: string) =>
    requestFrom(from, `${node.adminUrl}/api/v1/sites`, { headers: { authorization: `Bearer ${token}` } })
  const statuses = new Map<number, number>()
  const startMs = performance.now()
  let guess = 0
  const attack = async () => {
    while (guess < GUESSES) {
      const { status } = await ask(ATTACKER, `a-wrong-token-${guess++}-of-the-operator`)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      // Rejected at once: the attacker continues.
      if (status === 429) await sleep(50)
    }
  }
  const attacked = Promise.all(Array.from({ length: CONNECTIONS }, attack))
  await sleep(300)
  const askedMs = performance.now()
  expect((await ask('127.1.1.1', TOKEN)).status).toBe(200)
  // A wrong token waits for up to 5 s.
  expect(performance.now() - askedMs).toBeLessThan(4_500)
  await attacked
  const compared = statuses.get(401) ?? 0
  const tookMs = performance.now() - startMs
  reportFigure(
    `${GUESSES} wrong admin tokens of one host: ${compared} were compared in ${(tookMs / 1000).toFixed(1)} s, the others rejected before`,
  )
  expect(compared + (statuses.get(429) ?? 0)).toBe(GUESSES)
  // Eight wait at a time, and each wrong token doubles the delay.
  expect(compared).toBeLessThan(60)
  expect(node.log()).toContain('admin-token-wrong')
  expect(node.log()).toContain(ATTACKER)
  expect(node.log()).not.toContain('a-wrong-token-')
})
