/**
 * `npm run stack`: starts the stack, prints its addresses, and stops it on Ctrl-C or SIGTERM. A part that exits is named,
 * and the others continue. `npm run stack -- demo` distributes a file over a running stack.
 *
 * Exit codes: 0 yes · 1 a part could not be started, or the demonstration failed · 64 command line · 69 the stack does not
 * run, or aria2 is not installed.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../src/core/errors.ts'
import { runDemo } from './demo.ts'
import { type StartOptions, runCommand } from './options.ts'
import { DOCUMENT_NAME, asDocument, asText } from './stack-document.ts'
import { type RunningStack, startStack } from './stack.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const stopping = new AbortController()
for (const signal of signals) process.on(signal, () => stopping.abort())

try {
  process.exitCode = await runCommand(process.argv.slice(2), {
    start: runStack,
    demo: (options) => runDemo(options, stopping.signal),
  })
} catch (error) {
  if (!(error instanceof InputError)) throw error
  console.error(`stack: ${error.message}`)
  process.exitCode = 1
}

async function runStack({ ports, isJson }: StartOptions): Promise<number> {
  if (!isJson) console.error('Starting two sites and a fallback node…')
  const stack = await startUnlessStopped(ports)
  if (stack === undefined) return 0
  // Ends the parts also when this process ends by an error.
  process.once('exit', () => stack.kill())
  const document = JSON.stringify(asDocument(stack))
  await writeFile(join(stack.directory, DOCUMENT_NAME), document)
  console.log(isJson ? document : asText(stack, ports === 'fixed'))
  if (!stopping.signal.aborted)
    await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve, { once: true }))
  if (!isJson) console.error('Stopping…')
  await stack.stop()
  if (!isJson) console.error(`The logs are in ${stack.directory}`)
  return 0
}

/** Undefined after a signal during the start; all parts have ended then. */
async function startUnlessStopped(ports: StartOptions['ports']): Promise<RunningStack | undefined> {
  try {
    return await startStack({
      ports,
      prometheus: true,
      keepsLogs: true,
      signal: stopping.signal,
      onExit: ({ message }) => console.error(`${message}\nThe other parts continue.`),
    })
  } catch (error) {
    if (stopping.signal.aborted) return undefined
    throw error
  }
}
