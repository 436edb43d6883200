/** Readiness of a whole node, computed by one worker from the collected responses. */
import { expect, test } from 'vitest'
import { ConfigError } from '../../../src/core/errors.ts'
import type { WorkerResponse } from '../../../src/daemon/workers/messages.ts'
import { type Readiness, writeReadiness } from '../../../src/observe/health.ts'
import { WorkerGroup } from '../../../src/daemon/workers/worker-group.ts'

const store = (isOk: boolean, sentence: string): Readiness => ({
  isReady: isOk,
  checks: [{ name: 'store', isRequired: true, isOk, sentence }],
})
const ready = store(true, 'up')
const catchingUp = store(false, 'catching up')

/** The readiness of a node of three workers, of which these responded. */
async function readinessOf(responses: readonly WorkerResponse<'readiness'>[]) {
  const group = new WorkerGroup({
    worker: 1,
    workers: 3,
    send: (message) => {
      if (message.kind === 'request')
        setImmediate(() => group.receive({ kind: 'responses', id: message.id, responses }))
    },
  })
  const readiness = await group.readiness()
  return { isReady: readiness.isReady, body: writeReadiness(readiness) }
}

test('a node is ready when one of its workers is, and each check names its worker', async () => {
  const responses = [catchingUp, ready, catchingUp].map((result, index) => ({ worker: index + 1, result }))
  expect(await readinessOf(responses)).toEqual({
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
      { worker: 1, result: ready },
      { worker: 3, result: ready },
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
  const { isReady, body } = await readinessOf([{ worker: 2, result: catchingUp }])
  expect(isReady).toBe(false)
  expect(body).toMatch(/\nnot ready\n$/)
})

/** The reload of a node of three workers, of which these responded. */
async function reloadOf(results: readonly (WorkerResponse<'reload'>['result'] | undefined)[]) {
  const group = new WorkerGroup({
    worker: 1,
    workers: 3,
    send: (message) => {
      if (message.kind !== 'request') return
      const responses = results.flatMap((result, index) =>
        result === undefined ? [] : [{ worker: index + 1, result }],
      )
      setImmediate(() => group.receive({ kind: 'responses', id: message.id, responses }))
    },
  })
  return group.reload()
}

const INVALID = { problems: [{ file: 'topology.yaml', line: 3, column: 5, message: 'unknown key' }] }

test('a reload is done when each worker has the new topology', async () => {
  expect(await reloadOf([{ sites: 4 }, { sites: 4 }, { sites: 4 }])).toEqual({
    sites: 4,
    workers: [1, 2, 3].map((worker) => ({ worker, sites: 4 })),
  })
})

test('a file that all workers reject changes nothing, and its problems are the answer', async () => {
  await expect(reloadOf([INVALID, INVALID, INVALID])).rejects.toThrow('unknown key')
  await expect(reloadOf([INVALID, INVALID, INVALID])).rejects.toBeInstanceOf(ConfigError)
})

test('a reload that some workers did not do is not done, and the answer states each', async () => {
  await expect(reloadOf([{ sites: 4 }, undefined, INVALID])).rejects.toThrow(
    'worker 1 reloaded 4 sites; worker 2 did not answer; worker 3 rejected it: topology.yaml:3:5  unknown key',
  )
  await expect(reloadOf([{ failure: 'EACCES' }, { sites: 4 }, { sites: 4 }])).rejects.toThrow(
    'worker 1 failed: EACCES',
  )
})
