/** Readiness and reload of a whole node, computed by its owner from the collected responses. */
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

/** The readiness of a node of two workers, of whose processes these responded. */
async function readinessOf(responses: readonly WorkerResponse<'readiness'>[]) {
  const group = new WorkerGroup({
    workers: 2,
    send: (message) => {
      if (message.kind === 'request')
        setImmediate(() => group.receive({ kind: 'responses', id: message.id, responses }))
    },
  })
  const readiness = await group.readiness()
  return { isReady: readiness.isReady, body: writeReadiness(readiness) }
}

test('a node is ready when its owner is, and each check names its worker', async () => {
  const responses = [ready, catchingUp, ready].map((result, index) => ({ worker: index, result }))
  expect(await readinessOf(responses)).toEqual({
    isReady: true,
    body: 'ok   store: up\nNOT  store: catching up (worker 1)\nok   store: up (worker 2)\nready\n',
  })
})

test('a worker that does not answer is named, and does not make the node unready', async () => {
  expect(
    await readinessOf([
      { worker: 0, result: ready },
      { worker: 2, result: ready },
    ]),
  ).toEqual({
    isReady: true,
    body:
      'ok   store: up\n' +
      'warn worker 1: does not answer; it is starting or stuck\n' +
      'ok   store: up (worker 2)\n' +
      'ready\n',
  })
})

test('a node is not ready while its owner is not, although the others listen', async () => {
  const responses = [catchingUp, ready, ready].map((result, index) => ({ worker: index, result }))
  const { isReady, body } = await readinessOf(responses)
  expect(isReady).toBe(false)
  expect(body).toMatch(/\nnot ready\n$/)
})

/** The reload of a node of two workers, of whose processes these responded, the owner first. */
async function reloadOf(results: readonly (WorkerResponse<'reload'>['result'] | undefined)[]) {
  const group = new WorkerGroup({
    workers: 2,
    send: (message) => {
      if (message.kind !== 'request') return
      const responses = results.flatMap((result, index) =>
        result === undefined ? [] : [{ worker: index, result }],
      )
      setImmediate(() => group.receive({ kind: 'responses', id: message.id, responses }))
    },
  })
  return group.reload()
}

const INVALID = { problems: [{ file: 'topology.yaml', line: 3, column: 5, message: 'unknown key' }] }

const LISTENER = { sites: undefined }

test('a reload is done when the owner has the new topology and each worker the new files', async () => {
  expect(await reloadOf([{ sites: 4 }, LISTENER, LISTENER])).toEqual({ sites: 4 })
})

test('a file that the owner rejects changes nothing, and its problems are the answer', async () => {
  await expect(reloadOf([INVALID])).rejects.toThrow('unknown key')
  await expect(reloadOf([INVALID])).rejects.toBeInstanceOf(ConfigError)
})

test('a reload that some workers did not do is not done, and the answer states each', async () => {
  await expect(reloadOf([{ sites: 4 }, undefined, INVALID])).rejects.toThrow(
    'the owner of the swarm table reloaded; worker 1 did not answer; worker 2 rejected it: topology.yaml:3:5  unknown key',
  )
  await expect(reloadOf([{ failure: 'EACCES' }])).rejects.toThrow(
    'the owner of the swarm table failed: EACCES. Repair',
  )
})
