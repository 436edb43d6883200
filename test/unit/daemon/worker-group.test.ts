/** What a worker says of the whole node, from what the supervisor collected. */
import { expect, test } from 'vitest'
import type { WorkerResponse } from '../../../src/daemon/workers/messages.ts'
import { WorkerGroup } from '../../../src/daemon/workers/worker-group.ts'

const ready = { isReady: true, body: 'ok   store: up\nready\n' }
const catchingUp = { isReady: false, body: 'NOT  store: catching up\nnot ready\n' }

/** The readiness of a node of three workers, of which these answered. */
function readinessOf(answers: readonly WorkerResponse<'readiness'>[]) {
  const group = new WorkerGroup({
    workers: 3,
    send: (message) => {
      if (message.kind === 'ask')
        setImmediate(() => group.receive({ kind: 'answers', id: message.id, answers }))
    },
  })
  return group.readiness()
}

test('a node is ready when one of its workers is, and each check says whose it is', async () => {
  const answers = [catchingUp, ready, catchingUp].map((answer, index) => ({ worker: index + 1, answer }))
  expect(await readinessOf(answers)).toEqual({
    isReady: true,
    body:
      'NOT  store: catching up (worker 1)\n' +
      'ok   store: up (worker 2)\n' +
      'NOT  store: catching up (worker 3)\n' +
      'ready\n',
  })
})

test('a worker that does not answer is named, and does not make the node unready', async () => {
  expect(
    await readinessOf([
      { worker: 1, answer: ready },
      { worker: 3, answer: ready },
    ]),
  ).toEqual({
    isReady: true,
    body:
      'ok   store: up (worker 1)\n' +
      'warn worker 2: does not answer; it is starting or stuck\n' +
      'ok   store: up (worker 3)\n' +
      'ready\n',
  })
})

test('a node is not ready while none of its workers is', async () => {
  const { isReady, body } = await readinessOf([{ worker: 2, answer: catchingUp }])
  expect(isReady).toBe(false)
  expect(body).toMatch(/\nnot ready\n$/)
})
